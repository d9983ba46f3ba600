#include "lockstep/models/camouflage_network.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <map>
#include <string>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/nn/initialise.h"
#include "tests/support/memory_meter.h"

namespace lockstep::models::camouflage_network_test {
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

/// Everything on at once.
CamouflageNetworkOptions all_options() {
  CamouflageNetworkOptions options = random_options();
  options.moe_top_k = 2;
  options.side_outputs = true;
  return options;
}

const std::vector<std::uint64_t> kSamples{0, 1};

/// A sum to which all answers contribute.
at::Tensor sum_of(const SegmentationOutputs& outputs) {
  at::Tensor sum = outputs.logits.square().sum();
  for (const at::Tensor& side : outputs.sides) {
    sum = sum + side.square().sum();
  }
  if (outputs.boundary.defined()) {
    sum = sum + outputs.boundary.square().sum();
  }
  return outputs.balance.defined() ? sum + outputs.balance.sum() : sum;
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
  EXPECT_EQ(network.forward(images()).logits.sizes(), (std::vector<std::int64_t>{2, 1, 64, 96}));
}

TEST(CamouflageNetwork, GivesMoreAnswersInTrainingOnly) {
  CamouflageNetwork network(all_options());
  const std::vector<std::int64_t> shape{2, 1, 64, 96};
  const nn::RandomScope scope(1, 5, kSamples);
  const SegmentationOutputs outputs = network.forward(images());
  EXPECT_EQ(outputs.boundary.sizes(), shape);
  ASSERT_EQ(outputs.sides.size(), 3U);
  for (const at::Tensor& side : outputs.sides) {
    EXPECT_EQ(side.sizes(), shape);
  }
  EXPECT_EQ(outputs.balance.sizes(), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(outputs.expert_load.sizes(), (std::vector<std::int64_t>{2, 7}));
  EXPECT_EQ(outputs.expert_load.sum().item<double>(), 2 * 2 * 8 * 12);  // samples × choices × pixels at 1/8
  network.eval();
  const SegmentationOutputs evaluated = network.forward(images());
  EXPECT_FALSE(evaluated.boundary.defined());
  EXPECT_TRUE(evaluated.sides.empty());
}

// Else heads that no loss reaches would lie in every file of weights.
TEST(CamouflageNetwork, HasNoPartsThatAreNotAskedFor) {
  CamouflageNetworkOptions options = small_options();
  options.num_experts = 1;
  options.boundary_head = false;
  CamouflageNetwork network(options);
  for (const auto& parameter : network.named_parameters()) {
    for (const std::string part : {"experts", "boundary", "side"}) {
      EXPECT_EQ(parameter.key().find(part), std::string::npos) << parameter.key();
    }
  }
  const SegmentationOutputs outputs = network.forward(images());
  EXPECT_FALSE(outputs.boundary.defined());
  EXPECT_FALSE(outputs.expert_load.defined());
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
  options = small_options();
  options.moe_top_k = 8;
  EXPECT_NE(usage_error(options).find("--moe-top-k"), std::string::npos);
}

TEST(CamouflageNetwork, GivesEveryParameterAGradient) {
  CamouflageNetworkOptions options = all_options();
  options.drop_path = 0;
  options.dropout = 0;
  options.num_experts = 3;
  CamouflageNetwork network(options);
  nn::initialise(network, 1);
  sum_of(network.forward(images())).backward();
  for (const auto& parameter : network.named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().max().item<double>(), 0.0) << parameter.key();
  }
}

// The loss of a sample must not depend on the others of its batch, nor on how a batch is cut.
TEST(CamouflageNetwork, TreatsASampleTheSameInAnyBatch) {
  CamouflageNetwork network(all_options());
  nn::initialise(network, 1);
  const auto forward = [&](const at::Tensor& part, std::vector<std::uint64_t> samples) {
    const nn::RandomScope scope(1, 5, samples);
    return network.forward(part).logits;
  };
  const at::Tensor whole = forward(images(), {40, 41});
  const at::Tensor parts = at::cat({forward(images().slice(0, 0, 1), {40}), forward(images().slice(0, 1, 2), {41})});
  EXPECT_LE((whole - parts).abs().max().item<double>(), 1e-5 * whole.abs().max().item<double>());
}

TEST(CamouflageNetwork, TrainsToTheSameBitsInThreadsThatRunTogether) {
  const auto gradient_norms = [](std::vector<double>& norms) {
    CamouflageNetwork network(all_options());
    nn::initialise(network, 1);
    const nn::RandomScope scope(1, 5, kSamples);
    sum_of(network.forward(images())).backward();
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

TEST(CamouflageNetwork, CheckpointsGiveTheSameBitsForHalfTheMemory) {
  struct Trained {
    std::map<std::string, at::Tensor> gradients;
    at::Tensor logits;
    std::int64_t peak_bytes = 0;
  };
  const auto train = [](bool gradient_checkpointing) {
    CamouflageNetworkOptions options = all_options();
    options.backbone = "edgenext_x_small";
    options.gradient_checkpointing = gradient_checkpointing;
    CamouflageNetwork network(options);
    nn::initialise(network, 1);
    const at::Tensor input = at::linspace(-1, 1, 2 * 3 * 128 * 160).mul(99).sin().view({2, 3, 128, 160});
    Trained trained;
    const test::MemoryMeter meter;
    const nn::RandomScope scope(1, 5, kSamples);
    const SegmentationOutputs outputs = network.forward(input);
    trained.logits = outputs.logits;
    sum_of(outputs).backward();
    trained.peak_bytes = meter.peak_bytes();
    for (const auto& parameter : network.named_parameters()) {
      trained.gradients[parameter.key()] = parameter.value().grad();
    }
    return trained;
  };
  const Trained plain = train(false);
  const Trained checkpointed = train(true);
  EXPECT_TRUE(at::equal(checkpointed.logits, plain.logits));
  for (const auto& [name, gradient] : plain.gradients) {
    EXPECT_TRUE(at::equal(checkpointed.gradients.at(name), gradient)) << name;
  }
  // Gradients of the parameters are held by both.
  std::int64_t gradient_bytes = 0;
  for (const auto& [name, gradient] : plain.gradients) {
    gradient_bytes += static_cast<std::int64_t>(gradient.nbytes());
  }
  RecordProperty("peak_bytes", std::to_string(plain.peak_bytes));
  RecordProperty("peak_bytes_with_checkpoints", std::to_string(checkpointed.peak_bytes));
  EXPECT_LT(checkpointed.peak_bytes - gradient_bytes, (plain.peak_bytes - gradient_bytes) / 2);
}

TEST(CamouflageNetwork, GivesTheSameInEveryMemoryFormat) {
  const auto answer = [](at::MemoryFormat format) {
    CamouflageNetwork network(small_options());
    nn::initialise(network, 1);
    network.set_memory_format(format);
    return network.forward(images()).logits;
  };
  const at::Tensor channels_last = answer(at::MemoryFormat::ChannelsLast);
  const at::Tensor contiguous = answer(at::MemoryFormat::Contiguous);
  EXPECT_LE((channels_last - contiguous).abs().max().item<double>(), 1e-4 * channels_last.abs().max().item<double>());
}

}  // namespace
}  // namespace lockstep::models::camouflage_network_test
