#include "lockstep/models/camouflage_network.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <string>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::models {
namespace {

CamouflageNetworkOptions small_options() {
  CamouflageNetworkOptions options;
  options.backbone = "edgenext_xx_small";
  options.decoder_width = 16;
  return options;
}

CamouflageNetworkOptions random_options() {
  CamouflageNetworkOptions options = small_options();
  options.drop_path = 0.3;
  options.dropout = 0.3;
  return options;
}

at::Tensor images() { return at::linspace(-1, 1, 2 * 3 * 64 * 96).view({2, 3, 64, 96}).sin(); }

std::string usage_error(const CamouflageNetworkOptions& options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(CamouflageNetwork, GivesALogitForEveryPixel) {
  CamouflageNetwork network(small_options());
  EXPECT_EQ(network.forward(images()).sizes(), (std::vector<std::int64_t>{2, 1, 64, 96}));
}

TEST(CamouflageNetwork, RefusesImagesThatDoNotDivide) {
  CamouflageNetwork network(small_options());
  try {
    network.forward(at::zeros({1, 3, 64, 100}));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("--img-size"), std::string::npos);
  }
}

TEST(CamouflageNetwork, RefusesWrongOptionsByTheirFlag) {
  EXPECT_EQ(usage_error(small_options()), "");
  CamouflageNetworkOptions options = small_options();
  options.backbone = "resnet";
  EXPECT_NE(usage_error(options).find("--backbone"), std::string::npos);
  options = small_options();
  options.decoder_width = 12;
  EXPECT_NE(usage_error(options).find("--decoder-width"), std::string::npos);
  options = small_options();
  options.drop_path = 1.0;
  EXPECT_NE(usage_error(options).find("--drop-path"), std::string::npos);
  options = small_options();
  options.dropout = -0.1;
  EXPECT_NE(usage_error(options).find("--dropout"), std::string::npos);
}

TEST(CamouflageNetwork, GivesEveryParameterAGradient) {
  CamouflageNetwork network(small_options());
  nn::initialise(network, 1);
  network.forward(images()).square().sum().backward();
  for (const auto& parameter : network.named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().item<double>(), 0.0) << parameter.key();
  }
}

// The loss of a sample must not depend on the others of its batch, nor on how a batch is cut.
TEST(CamouflageNetwork, TreatsASampleTheSameInAnyBatch) {
  CamouflageNetwork network(random_options());
  nn::initialise(network, 1);
  const auto forward = [&](const at::Tensor& part, std::vector<std::uint64_t> samples) {
    const nn::RandomScope scope(1, 5, samples);
    return network.forward(part);
  };
  const at::Tensor whole = forward(images(), {40, 41});
  const at::Tensor parts = at::cat({forward(images().slice(0, 0, 1), {40}), forward(images().slice(0, 1, 2), {41})});
  EXPECT_LE((whole - parts).abs().max().item<double>(), 1e-5 * whole.abs().max().item<double>());
}

TEST(CamouflageNetwork, TrainsToTheSameBitsInThreadsThatRunTogether) {
  const auto gradient_norms = [](std::vector<double>& norms) {
    CamouflageNetwork network(random_options());
    nn::initialise(network, 1);
    const std::vector<std::uint64_t> samples{0, 1};
    const nn::RandomScope scope(1, 5, samples);
    network.forward(images()).square().sum().backward();
    for (const at::Tensor& parameter : network.parameters()) {
      norms.push_back(parameter.grad().to(at::kDouble).norm().item<double>());
    }
  };
  std::vector<double> alone;
  gradient_norms(alone);
  std::array<std::vector<double>, 2> together;
  {
    std::vector<std::jthread> threads;
    for (auto& norms : together) {
      threads.emplace_back([&] { gradient_norms(norms); });
    }
  }
  EXPECT_EQ(together[0], together[1]);
  EXPECT_EQ(together[0].size(), alone.size());
}

}  // namespace
}  // namespace lockstep::models
