#include "lockstep/nn/instance_norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <thread>
#include <vector>

namespace lockstep::nn::instance_norm_test {
namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast3d;

/// What goes into the norm, with what its result is multiplied by before it is summed up.
struct Inputs {
  at::Tensor x;
  at::Tensor residual;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor probe;

  Inputs as(at::ScalarType type, at::MemoryFormat format) const {
    const auto leaf = [](const at::Tensor& tensor) { return tensor.detach().clone().requires_grad_(); };
    const auto volume = [&](const at::Tensor& tensor) { return leaf(tensor.to(type).contiguous(format)); };
    const auto wide = type == at::kDouble ? at::kDouble : at::kFloat;
    return {volume(x), volume(residual), leaf(weight.to(wide)), leaf(bias.to(wide)), probe.to(type).contiguous(format)};
  }
};

/// More places than a piece has, in a number that no register divides unless `even`; of channels neither.
Inputs make_inputs(bool even = false) {
  const std::vector<std::int64_t> shape =
      even ? std::vector<std::int64_t>{2, 19, 4, 28, 32} : std::vector<std::int64_t>{2, 19, 3, 29, 31};
  const at::Tensor wave = at::arange(c10::multiply_integers(shape), at::kDouble).view(shape);
  Inputs inputs;
  inputs.x = (wave * 0.37).sin() * 2 + 5;
  inputs.residual = (wave * 0.11).cos();
  inputs.weight = at::linspace(-1, 2, 19, at::kDouble);
  inputs.bias = at::linspace(0.5, -0.5, 19, at::kDouble);
  inputs.probe = (wave * 0.23).sin();
  return inputs;
}

struct Results {
  at::Tensor y;
  std::vector<at::Tensor> gradients;
};

Results results_of(const Inputs& inputs, double slope, bool with_residual) {
  const at::Tensor y =
      instance_norm(inputs.x, inputs.weight, inputs.bias, slope, with_residual ? inputs.residual : at::Tensor());
  (y.to(at::kDouble) * inputs.probe).sum().backward();
  Results results{y.detach(), {inputs.x.grad(), inputs.weight.grad(), inputs.bias.grad()}};
  if (with_residual) {
    results.gradients.push_back(inputs.residual.grad());
  }
  return results;
}

/// PyTorch's own operations in float64.
Results expected(const Inputs& inputs, double slope, bool with_residual) {
  at::Tensor y = at::instance_norm(inputs.x, inputs.weight, inputs.bias, {}, {}, true, 0, 1e-5, false);
  y = with_residual ? y + inputs.residual : y;
  y = slope == 1 ? y : at::leaky_relu(y, slope);
  (y * inputs.probe).sum().backward();
  Results results{y.detach(), {inputs.x.grad(), inputs.weight.grad(), inputs.bias.grad()}};
  if (with_residual) {
    results.gradients.push_back(inputs.residual.grad());
  }
  return results;
}

double relative_difference(const at::Tensor& ours, const at::Tensor& theirs) {
  return ((ours.to(at::kDouble) - theirs).norm() / theirs.norm()).item<double>();
}

void expect_close(const Results& ours, const Results& theirs, double tolerance) {
  EXPECT_LE(relative_difference(ours.y, theirs.y), tolerance);
  ASSERT_EQ(ours.gradients.size(), theirs.gradients.size());
  for (std::size_t i = 0; i < ours.gradients.size(); ++i) {
    EXPECT_LE(relative_difference(ours.gradients[i], theirs.gradients[i]), tolerance) << "gradient " << i;
  }
}

struct NormCase {
  std::string name;
  double slope;
  bool with_residual;
  bool even = false;
};

class InstanceNormParity : public testing::TestWithParam<NormCase> {};

TEST_P(InstanceNormParity, ResultsAndGradientsAreThoseOfPyTorch) {
  const auto [name, slope, with_residual, even] = GetParam();
  const Inputs inputs = make_inputs(even);
  const Results theirs = expected(inputs.as(at::kDouble, at::MemoryFormat::Contiguous), slope, with_residual);
  for (const at::MemoryFormat format : {kChannelsLast, at::MemoryFormat::Contiguous}) {
    const Results ours = results_of(inputs.as(at::kFloat, format), slope, with_residual);
    EXPECT_TRUE(ours.y.is_contiguous(format)) << format;
    expect_close(ours, theirs, 1e-5);
  }
}

// Half as many bits: what is rounded are inputs and results, while sums are taken in float32.
TEST_P(InstanceNormParity, InBfloat16TheyAreThoseToRounding) {
  const auto [name, slope, with_residual, even] = GetParam();
  const Inputs inputs = make_inputs(even).as(at::kBFloat16, kChannelsLast);
  const Results ours = results_of(inputs, slope, with_residual);
  EXPECT_EQ(ours.y.scalar_type(), at::kBFloat16);
  const Results theirs = expected(inputs.as(at::kDouble, at::MemoryFormat::Contiguous), slope, with_residual);
  expect_close(ours, theirs, 6e-3);
}

INSTANTIATE_TEST_SUITE_P(Cases, InstanceNormParity,
                         testing::Values(NormCase{"Norm", 1, false}, NormCase{"Activated", 0.01, false},
                                         NormCase{"Residual", 0.01, true}, NormCase{"EvenSides", 0.01, false, true},
                                         NormCase{"EvenSidesResidual", 0.01, true, true}),
                         [](const auto& one) { return one.param.name; });

TEST(InstanceNorm, IsTheSameBitsOnSeveralThreads) {
  const auto on_threads = [](int threads, bool even) {
    Results results;
    std::jthread([&] {
      at::set_num_threads(threads);
      results = results_of(make_inputs(even).as(at::kFloat, kChannelsLast), 0.01, true);
    }).join();
    return results;
  };
  for (const bool even : {false, true}) {
    const Results alone = on_threads(1, even);
    const Results together = on_threads(3, even);
    EXPECT_TRUE(at::equal(alone.y, together.y));
    for (std::size_t i = 0; i < alone.gradients.size(); ++i) {
      EXPECT_TRUE(at::equal(alone.gradients[i], together.gradients[i])) << i;
    }
  }
}

// Else a network whose values left the range would look sound.
TEST(InstanceNorm, LetsWhatIsNoNumberThrough) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    Inputs inputs = make_inputs();
    inputs.x[1][4][0][0][7] = std::numeric_limits<double>::quiet_NaN();
    const at::Tensor y = results_of(inputs.as(type, kChannelsLast), 0.01, false).y;
    EXPECT_TRUE(y[1][4].isnan().all().item<bool>()) << type;
    EXPECT_FALSE(y[0].isnan().any().item<bool>()) << type;
  }
}

}  // namespace
}  // namespace lockstep::nn::instance_norm_test
