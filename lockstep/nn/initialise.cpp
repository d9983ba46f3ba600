#include "lockstep/nn/initialise.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <vector>

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

/// The initial values of one weight.
struct Draw {
  at::Tensor weight;
  at::Tensor values;  ///< the same shape, float32
  std::int64_t fan_in;
  Rule rule;
  RandomStream stream;
};

/// Fills in the values, past autograd, whose mode belongs to a thread: any thread may call it.
void fill(Draw& draw) {
  const double kaiming_deviation = std::sqrt(2.0 / static_cast<double>(draw.fan_in));
  float* value = draw.values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < draw.values.numel(); ++i) {
    const double drawn =
        draw.rule == Rule::kKaiming ? kaiming_deviation * draw.stream.normal() : truncated_normal(draw.stream);
    value[i] = static_cast<float>(drawn);
  }
}

/// Collects the weights of a tree of modules; a weight's numbers belong to its place in the order of the walk.
class Collector {
 public:
  explicit Collector(std::uint64_t seed) : seed_(seed) {}

  void visit(torch::nn::Module& module, Rule rule) {
    if (dynamic_cast<const KaimingInitialised*>(&module) != nullptr) {
      rule = Rule::kKaiming;
    }
    if (auto* convolution = module.as<torch::nn::Conv2dImpl>()) {
      add(convolution->weight, convolution->bias, rule);
    } else if (auto* upward = module.as<torch::nn::ConvTranspose3dImpl>()) {
      add_transposed(upward->weight, upward->bias, rule);
    } else if (auto* volume_convolution = module.as<torch::nn::Conv3dImpl>()) {
      add(volume_convolution->weight, volume_convolution->bias, rule);
    } else if (auto* linear = module.as<torch::nn::LinearImpl>()) {
      add(linear->weight, linear->bias, rule);
    }
    for (const auto& child : module.children()) {
      visit(*child, rule);
    }
  }

  std::vector<Draw>& draws() { return draws_; }

 private:
  /// weight: (out, in / groups, …)
  void add(const at::Tensor& weight, at::Tensor& bias, Rule rule) {
    add(weight, bias, weight.numel() / weight.size(0), rule);
  }

  /// weight: (in, out, …). Of the places that a kernel as large as its stride reaches, each belongs to one input.
  void add_transposed(const at::Tensor& weight, at::Tensor& bias, Rule rule) {
    add(weight, bias, weight.size(0), rule);
  }

  void add(const at::Tensor& weight, at::Tensor& bias, std::int64_t fan_in, Rule rule) {
    const auto place = static_cast<std::uint32_t>(draws_.size());
    draws_.push_back({weight, at::empty(weight.sizes(), at::kFloat), fan_in, rule,
                      RandomStream({seed_, Purpose::kWeights, 0, 0, place})});
    if (bias.defined()) {
      bias.zero_();
    }
  }

  std::uint64_t seed_;
  std::vector<Draw> draws_;
};

/// Each thread takes the largest weight that is left, so that they come to an end together.
void draw_in_parallel(std::vector<Draw>& draws) {
  std::ranges::stable_sort(draws, std::ranges::greater(), [](const Draw& one) { return one.values.numel(); });
  std::atomic<std::size_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), /*grain_size=*/1, [&](std::int64_t, std::int64_t) {
    for (std::size_t i = next++; i < draws.size(); i = next++) {
      fill(draws[i]);
    }
  });
}

}  // namespace

void initialise(torch::nn::Module& network, std::uint64_t seed) {
  const at::NoGradGuard no_gradient;
  Collector collector(seed);
  collector.visit(network, Rule::kTruncatedNormal);
  draw_in_parallel(collector.draws());
  for (Draw& one : collector.draws()) {
    one.weight.copy_(one.values);
  }
}

}  // namespace lockstep::nn
