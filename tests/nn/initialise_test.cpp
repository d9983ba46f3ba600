#include "lockstep/nn/initialise.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <thread>

namespace lockstep::nn::initialise_test {
namespace {

struct Decoder : torch::nn::Module, KaimingInitialised {
  Decoder() {
    register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(64, 128, 3)));
    register_module("up", torch::nn::ConvTranspose3d(torch::nn::ConvTranspose3dOptions(64, 32, 2).stride(2)));
  }
};

struct Network : torch::nn::Module {
  Network() {
    register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 64, 3)));
    register_module("volume_conv", torch::nn::Conv3d(torch::nn::Conv3dOptions(16, 64, 3)));
    register_module("linear", torch::nn::Linear(128, 200));
    register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({8})));
    register_module("decoder", std::make_shared<Decoder>());
    register_parameter("gamma", at::full({8}, 1e-6));
  }

  at::Tensor parameter(const std::string& name) const { return named_parameters()[name]; }
};

TEST(Initialise, IsAFunctionOfTheSeedInEveryThread) {
  Network here;
  initialise(here, 3);
  Network there;
  std::jthread([&] {
    torch::manual_seed(99);
    initialise(there, 3);
  }).join();
  Network other;
  initialise(other, 4);
  for (const auto& parameter : here.named_parameters()) {
    EXPECT_TRUE(at::equal(parameter.value(), there.parameter(parameter.key()))) << parameter.key();
  }
  EXPECT_FALSE(at::equal(here.parameter("conv.weight"), other.parameter("conv.weight")));
}

TEST(Initialise, IsTheSameBitsOnSeveralThreads) {
  Network alone;
  Network together;
  std::jthread([&] {
    at::set_num_threads(1);
    initialise(alone, 3);
    at::set_num_threads(3);
    initialise(together, 3);
  }).join();
  for (const auto& parameter : alone.named_parameters()) {
    EXPECT_TRUE(at::equal(parameter.value(), together.parameter(parameter.key()))) << parameter.key();
  }
}

TEST(Initialise, DrawsFromATruncatedNormal) {
  Network network;
  initialise(network, 3);
  for (const std::string name : {"conv.weight", "volume_conv.weight", "linear.weight"}) {
    const at::Tensor weight = network.parameter(name);
    // A unit normal cut off at ±2 has a standard deviation of 0.8796.
    EXPECT_NEAR(weight.std().item<double>(), 0.8796 * 0.02, 0.0004) << name;
    EXPECT_NEAR(weight.mean().item<double>(), 0.0, 0.0005) << name;
    EXPECT_LE(weight.abs().max().item<double>(), 0.04 + 1e-8) << name;
  }
  EXPECT_EQ(network.parameter("conv.bias").abs().max().item<double>(), 0.0);
}

TEST(Initialise, FollowsTheFanInWhereAskedTo) {
  Network network;
  initialise(network, 3);
  EXPECT_NEAR(network.parameter("decoder.conv.weight").std().item<double>(), std::sqrt(2.0 / (64 * 9)), 0.0005);
  EXPECT_NEAR(network.parameter("decoder.up.weight").std().item<double>(), std::sqrt(2.0 / 64), 0.005);
}

TEST(Initialise, LeavesConstantsAlone) {
  Network network;
  initialise(network, 3);
  EXPECT_TRUE(at::equal(network.parameter("norm.weight"), at::ones({8})));
  EXPECT_TRUE(at::equal(network.parameter("gamma"), at::full({8}, 1e-6)));
}

}  // namespace
}  // namespace lockstep::nn::initialise_test
