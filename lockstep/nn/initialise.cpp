#include "lockstep/nn/initialise.h"

#include <cmath>

#include "lockstep/base/random.h"

namespace lockstep::nn {
namespace {

enum class Rule { kTruncatedNormal, kKaiming };

constexpr double kDeviation = 0.02;
constexpr double kCut = 2.0;  // in deviations

double truncated_normal(RandomStream& stream) {
  double value = stream.normal();
  while (std::abs(value) > kCut) {
    value = stream.normal();
  }
  return kDeviation * value;
}

/// Draws the weights of a tree of modules; a weight's numbers belong to its place in the order of the walk.
class Initialiser {
 public:
  explicit Initialiser(std::uint64_t seed) : seed_(seed) {}

  void visit(torch::nn::Module& module, Rule rule) {
    if (dynamic_cast<const KaimingInitialised*>(&module) != nullptr) {
      rule = Rule::kKaiming;
    }
    if (auto* convolution = module.as<torch::nn::Conv2dImpl>()) {
      draw(convolution->weight, convolution->bias, rule);
    } else if (auto* volume_convolution = module.as<torch::nn::Conv3dImpl>()) {
      draw(volume_convolution->weight, volume_convolution->bias, rule);
    } else if (auto* linear = module.as<torch::nn::LinearImpl>()) {
      draw(linear->weight, linear->bias, rule);
    }
    for (const auto& child : module.children()) {
      visit(*child, rule);
    }
  }

 private:
  // weight: (out, in / groups, …)
  void draw(at::Tensor& weight, at::Tensor& bias, Rule rule) {
    RandomStream stream({seed_, Purpose::kWeights, 0, 0, weights_drawn_++});
    const at::Tensor values = at::empty(weight.sizes(), at::kFloat);
    const std::int64_t fan_in = weight.numel() / weight.size(0);
    const double kaiming_deviation = std::sqrt(2.0 / static_cast<double>(fan_in));
    float* value = values.data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      const double drawn = rule == Rule::kKaiming ? kaiming_deviation * stream.normal() : truncated_normal(stream);
      value[i] = static_cast<float>(drawn);
    }
    weight.copy_(values);
    if (bias.defined()) {
      bias.zero_();
    }
  }

  std::uint64_t seed_;
  std::uint32_t weights_drawn_ = 0;
};

}  // namespace

void initialise(torch::nn::Module& network, std::uint64_t seed) {
  const at::NoGradGuard no_gradient;
  Initialiser(seed).visit(network, Rule::kTruncatedNormal);
}

}  // namespace lockstep::nn
