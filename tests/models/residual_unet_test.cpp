#include "lockstep/models/residual_unet.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/checkpoint/weights.h"
#include "tests/support/memory_meter.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::models::residual_unet_test {
namespace {

/// Threads of small operations spin while they wait for each other: on a busy machine one is faster by far.
class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = at::get_num_threads();
};

ResidualUnetOptions options_for(const Extent& patch, std::int64_t width = 4, const std::string& blocks = "1,2") {
  return {.plan = {.patch = patch, .width = width, .blocks = blocks}};
}

double relative_difference(const at::Tensor& ours, const at::Tensor& theirs) {
  return ((ours - theirs).norm() / theirs.norm().clamp_min(1e-12)).item<double>();
}

struct UnetCase {
  std::string name;
  Extent patch;
  Extent volume;
};

class ResidualUnetParity : public testing::TestWithParam<UnetCase> {};

std::string with_commas(const Extent& extent) { return text(extent[0], ",", extent[1], ",", extent[2]); }

/// Holds the network in a type of numbers against what PyTorch has computed: the relative differences of outputs and
/// gradients.
void expect_equal(const Extent& patch, const checkpoint::NamedTensors& weights,
                  const std::map<std::string, at::Tensor>& values, at::ScalarType type, double of_outputs,
                  double of_gradients) {
  ResidualUnet network(options_for(patch));
  checkpoint::load_weights(network, weights, {"PyTorch", "", true});
  network.to(type);
  const VolumeOutputs outputs = network.forward(values.at("volumes").to(type));
  std::vector<at::Tensor> all{outputs.logits};
  all.insert(all.end(), outputs.sides.begin(), outputs.sides.end());
  at::Tensor loss = at::zeros({});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const at::Tensor& expected = values.at(text("output.", i));
    ASSERT_EQ(all[i].sizes(), expected.sizes());
    EXPECT_LE(relative_difference(all[i], expected), of_outputs) << "output " << i << " " << type;
    loss = loss + (all[i] * values.at(text("probe.", i))).sum();
  }
  EXPECT_FALSE(values.contains(text("output.", all.size())));
  loss.backward();
  for (const auto& parameter : network.named_parameters()) {
    EXPECT_LE(relative_difference(parameter.value().grad(), values.at("gradient." + parameter.key())), of_gradients)
        << parameter.key() << " " << type;
  }
}

TEST_P(ResidualUnetParity, OutputsAndGradientsEqualPyTorch) {
  if (!test::python_has({"torch", "safetensors"})) {
    GTEST_SKIP() << "needs PyTorch";
  }
  const OneThread one_thread;
  const UnetCase& parity = GetParam();
  const test::TempFolder folder;
  const auto run = test::run_python("tests/models/residual_unet_reference.py",
                                    {folder.path(), with_commas(parity.patch), "4", "1,2", with_commas(parity.volume)});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto weights = checkpoint::read_safetensors(folder / "weights.safetensors");
  const auto stored = checkpoint::read_safetensors(folder / "values.safetensors");
  const std::map<std::string, at::Tensor> values(stored.tensors.begin(), stored.tensors.end());

  // In float32 a value near 0 may lie on the other side of the leaky ReLU's bend, and have another gradient.
  expect_equal(parity.patch, weights.tensors, values, at::kDouble, 1e-6, 1e-6);
  expect_equal(parity.patch, weights.tensors, values, at::kFloat, 1e-4, 2e-2);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ResidualUnetParity,
                         testing::Values(UnetCase{"Cube", {16, 16, 16}, {16, 16, 16}},
                                         UnetCase{"Thin", {5, 40, 32}, {5, 40, 32}},
                                         UnetCase{"OddVolume", {16, 32, 32}, {13, 27, 31}}),
                         [](const auto& one) { return one.param.name; });

TEST(UnetPlan, LeavesThinAxesAloneUntilTheOthersHaveComeDown) {
  const std::vector<UnetStage> stages = plan_unet({.patch = {20, 128, 128}, .width = 16, .blocks = "1,3"});
  ASSERT_EQ(stages.size(), 6U);
  EXPECT_EQ(stages[0].kernel, (Extent{1, 3, 3}));
  EXPECT_EQ(stages[1].stride, (Extent{1, 2, 2}));
  EXPECT_EQ(stages[1].kernel, (Extent{1, 3, 3}));
  EXPECT_EQ(stages[2].size, (Extent{20, 32, 32}));
  EXPECT_EQ(stages[2].kernel, (Extent{3, 3, 3}));
  EXPECT_EQ(stages[3].stride, (Extent{2, 2, 2}));
  EXPECT_EQ(stages[5].size, (Extent{5, 4, 4}));
  EXPECT_EQ(stages[0].blocks, 1);
  EXPECT_EQ(stages[5].blocks, 3);
  EXPECT_EQ(stages[4].channels, 256);
  EXPECT_EQ(stages[5].channels, 320);
}

TEST(UnetPlan, StopsWhereNothingIsLeftToHalve) {
  EXPECT_EQ(plan_unet({.patch = {7, 7, 7}}).size(), 1U);
  EXPECT_EQ(plan_unet({.patch = {8, 8, 8}}).size(), 2U);
  EXPECT_EQ(plan_unet({.patch = {1, 24, 59}}).back().size, (Extent{1, 6, 4}));
}

std::string usage_error(const UnetPlanOptions& options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(UnetPlan, RefusesWrongOptionsByTheirFlag) {
  EXPECT_EQ(usage_error({}), "");
  EXPECT_NE(usage_error({.patch = {0, 8, 8}}).find("--patch-size"), std::string::npos);
  EXPECT_NE(usage_error({.patch = {1, 1, 1}}).find("--patch-size"), std::string::npos);
  EXPECT_NE(usage_error({.width = 0}).find("--width"), std::string::npos);
  for (const std::string wrong : {"", "1,", "0", "1,x"}) {
    EXPECT_NE(usage_error({.blocks = wrong}).find("--encoder-blocks"), std::string::npos) << wrong;
  }
}

TEST(ResidualUnet, TakesVolumesOfAnySize) {
  const OneThread one_thread;
  ResidualUnet network(options_for({16, 32, 32}));
  network.eval();
  const at::NoGradGuard no_gradient;
  for (const std::vector<std::int64_t>& size : {std::vector<std::int64_t>{1, 1, 16, 32, 32}, {1, 1, 24, 33, 59}}) {
    EXPECT_EQ(network.forward(at::randn(size)).logits.sizes(), size);
  }
}

// Else convolutions take four times as long. Of a volume with one channel the strides tell; of a smaller batch
// LibTorch's single-threaded convolution of one voxel makes a contiguous one in any case.
TEST(ResidualUnet, KeepsVolumesInTheFormatThatItIsTold) {
  const OneThread one_thread;
  const at::Tensor volumes = at::randn({16, 1, 16, 16, 16});
  ResidualUnet network(options_for({16, 16, 16}));
  EXPECT_EQ(network.forward(volumes).logits.suggest_memory_format(), at::MemoryFormat::ChannelsLast3d);
  network.set_memory_format(at::MemoryFormat::Contiguous);
  EXPECT_EQ(network.forward(volumes).logits.suggest_memory_format(), at::MemoryFormat::Contiguous);
}

TEST(ResidualUnet, AnswersAtCoarserScalesInTrainingOnly) {
  const OneThread one_thread;
  ResidualUnet network(options_for({16, 16, 16}));
  EXPECT_EQ(network.forward(at::randn({1, 1, 16, 16, 16})).sides.size(), 1U);
  network.eval();
  EXPECT_TRUE(network.forward(at::randn({1, 1, 16, 16, 16})).sides.empty());
  ResidualUnetOptions without = options_for({16, 16, 16});
  without.side_outputs = false;
  for (const auto& parameter : ResidualUnet(without).named_parameters()) {
    EXPECT_EQ(parameter.key().find("side"), std::string::npos) << parameter.key();
  }
}

/// A network with the weights of another one.
std::shared_ptr<ResidualUnet> twin_with_checkpoints(const ResidualUnet& network, ResidualUnetOptions options) {
  options.gradient_checkpointing = true;
  auto twin = std::make_shared<ResidualUnet>(options);
  checkpoint::load_weights(*twin, checkpoint::named_weights(network), {"its twin", "", true});
  return twin;
}

// Where gradients meet, their memory format may differ, and convolutions sum in another order.
TEST(ResidualUnet, CheckpointsGiveTheSameGradient) {
  const OneThread one_thread;
  const ResidualUnetOptions options = options_for({8, 16, 16});
  ResidualUnet network(options);
  const auto twin = twin_with_checkpoints(network, options);
  const at::Tensor volumes = at::randn({2, 1, 8, 15, 16});
  std::vector<at::Tensor> logits;
  for (ResidualUnet* one : {&network, twin.get()}) {
    const VolumeOutputs outputs = one->forward(volumes);
    logits.push_back(outputs.logits);
    outputs.logits.square().sum().backward();
  }
  EXPECT_TRUE(at::equal(logits[0], logits[1]));
  for (const auto& parameter : network.named_parameters()) {
    if (parameter.value().grad().defined()) {
      EXPECT_LE(relative_difference(twin->named_parameters()[parameter.key()].grad(), parameter.value().grad()), 1e-5)
          << parameter.key();
    }
  }
}

TEST(ResidualUnet, WhatItKeepsForBackwardIsForetold) {
  const OneThread one_thread;
  for (const bool checkpointed : {false, true}) {
    ResidualUnetOptions options = options_for({16, 64, 64}, 8, "1,2");
    options.gradient_checkpointing = checkpointed;
    ResidualUnet network(options);
    const at::Tensor volumes = at::randn({2, 1, 16, 64, 64});
    const test::MemoryMeter meter;
    network.forward(volumes).logits.sum().backward();
    const auto foretold =
        2 * sizeof(float) * static_cast<double>(values_kept_for_backward(plan_unet(options.plan), checkpointed));
    const auto peak = static_cast<double>(meter.peak_bytes());
    RecordProperty(checkpointed ? "peak_with_checkpoints" : "peak", std::to_string(peak / foretold));
    EXPECT_GT(peak, 0.8 * foretold) << checkpointed;
    EXPECT_LT(peak, 1.5 * foretold) << checkpointed;
  }
}

TEST(ResidualUnet, CheckpointsHoldLessMemory) {
  const OneThread one_thread;
  const ResidualUnetOptions options = options_for({16, 64, 64}, 8, "2");
  ResidualUnet network(options);
  const auto twin = twin_with_checkpoints(network, options);
  const at::Tensor volumes = at::randn({2, 1, 16, 64, 64});
  const auto peak_of = [&](ResidualUnet& one) {
    const test::MemoryMeter meter;
    one.forward(volumes).logits.sum().backward();
    return meter.peak_bytes();
  };
  EXPECT_LT(3 * peak_of(*twin), 2 * peak_of(network));
}

}  // namespace
}  // namespace lockstep::models::residual_unet_test
