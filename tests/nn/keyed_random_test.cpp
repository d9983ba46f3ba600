#include "lockstep/nn/keyed_random.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numeric>
#include <stdexcept>
#include <thread>

namespace lockstep::nn::keyed_random_test {
namespace {

constexpr std::uint64_t kSeed = 7;

std::vector<std::uint64_t> positions(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

/// What channel dropout leaves of ones. // (samples, 64)
at::Tensor dropped_channels(std::uint64_t step, std::uint64_t first, std::size_t count, std::uint32_t layer = 0) {
  const RandomScope scope(kSeed, step, positions(first, count));
  return ChannelDropout(0.25, layer).forward(at::ones({static_cast<std::int64_t>(count), 64, 2, 2})).amax({2, 3});
}

/// The scale of every sample's branch. // (samples)
at::Tensor dropped_paths(std::uint64_t step, std::uint64_t first, std::size_t count, std::uint32_t layer = 0) {
  const RandomScope scope(kSeed, step, positions(first, count));
  const auto samples = static_cast<std::int64_t>(count);
  const DropPath drop(0.25, layer);
  return drop.add_branch(at::zeros({samples, 3}), at::ones({samples, 3}), at::ones({3})).amax(1);
}

TEST(ChannelDropout, GivesTheHalvesOfABatchWhatTheWholeGets) {
  const at::Tensor whole = dropped_channels(5, 0, 8);
  EXPECT_TRUE(at::equal(whole, at::cat({dropped_channels(5, 0, 3), dropped_channels(5, 3, 5)})));
}

TEST(DropPath, GivesTheHalvesOfABatchWhatTheWholeGets) {
  const at::Tensor whole = dropped_paths(5, 0, 64);
  EXPECT_TRUE(at::equal(whole, at::cat({dropped_paths(5, 0, 40), dropped_paths(5, 40, 24)})));
}

TEST(ChannelDropout, DiffersByStepSampleAndLayer) {
  const at::Tensor first = dropped_channels(5, 0, 8);
  EXPECT_FALSE(at::equal(first, dropped_channels(6, 0, 8)));
  EXPECT_FALSE(at::equal(first, dropped_channels(5, 8, 8)));
  EXPECT_FALSE(at::equal(first, dropped_channels(5, 0, 8, 1)));
}

TEST(DropPath, DiffersByStepSampleAndLayer) {
  const at::Tensor first = dropped_paths(5, 0, 64);
  EXPECT_FALSE(at::equal(first, dropped_paths(6, 0, 64)));
  EXPECT_FALSE(at::equal(first, dropped_paths(5, 64, 64)));
  EXPECT_FALSE(at::equal(first, dropped_paths(5, 0, 64, 1)));
}

TEST(KeyedRandom, KeepsTheMeanByScalingWhatIsKept) {
  for (const at::Tensor& scales : {dropped_channels(1, 0, 400), dropped_paths(1, 0, 20000)}) {
    const at::Tensor kept = scales > 0;
    EXPECT_TRUE(at::allclose(scales.masked_select(kept), at::full({}, 1.0 / 0.75)));
    EXPECT_NEAR(kept.to(at::kFloat).mean().item<double>(), 0.75, 0.015);
  }
}

TEST(DropPath, AddsTheScaledBranchToTheShortcut) {
  const at::Tensor shortcut = at::randn({2, 5, 4});
  const at::Tensor branch = at::randn({2, 5, 4});
  const at::Tensor gamma = at::randn({4});
  const DropPath never(0.0, 0);
  EXPECT_TRUE(at::allclose(never.add_branch(shortcut, branch, gamma), shortcut + gamma * branch));
  DropPath evaluated(0.9, 0);
  evaluated.eval();
  EXPECT_TRUE(at::allclose(evaluated.add_branch(shortcut, branch, gamma), shortcut + gamma * branch));
}

TEST(ChannelDropout, IsTheIdentityInEvaluation) {
  ChannelDropout dropout(0.9, 0);
  dropout.eval();
  const at::Tensor features = at::randn({2, 3, 4, 4});
  EXPECT_TRUE(dropout.forward(features).is_same(features));
}

TEST(KeyedRandom, RefusesToTrainOutsideAScopeOrWithAnotherBatch) {
  const at::Tensor features = at::ones({2, 3, 4, 4});
  EXPECT_THROW(ChannelDropout(0.5, 0).forward(features), std::logic_error);
  const RandomScope scope(kSeed, 0, positions(0, 3));
  EXPECT_THROW(ChannelDropout(0.5, 0).forward(features), std::logic_error);
}

TEST(RandomScope, BelongsToItsThread) {
  const at::Tensor alone = dropped_channels(5, 100, 8);
  at::Tensor beside;
  const RandomScope scope(kSeed, 4, positions(0, 8));
  std::jthread([&] { beside = dropped_channels(5, 100, 8); }).join();
  EXPECT_TRUE(at::equal(alone, beside));
}

TEST(RandomScope, GivesWayToAnInnerOneAndComesBack) {
  const RandomScope outer(kSeed, 4, positions(0, 8));
  const auto draw = [] { return ChannelDropout(0.25, 0).forward(at::ones({8, 64, 1, 1})); };
  const at::Tensor before = draw();
  dropped_channels(5, 0, 8);
  EXPECT_TRUE(at::equal(before, draw()));
}

TEST(RandomScope, CanBePutInForceAgainElsewhere) {
  EXPECT_FALSE(RandomScope::innermost_context().has_value());
  std::optional<RandomContext> context;
  {
    const RandomScope scope(kSeed, 5, positions(3, 8));
    context = RandomScope::innermost_context();
  }
  at::Tensor there;
  std::jthread([&] {
    const RandomScope scope(*context);
    there = ChannelDropout(0.25, 0).forward(at::ones({8, 64, 2, 2})).amax({2, 3});
  }).join();
  EXPECT_TRUE(at::equal(there, dropped_channels(5, 3, 8)));
}

TEST(RandomScope, GivesAllSamplesOfAStepTheSameNumbers) {
  const auto draw = [](std::uint64_t step, std::uint64_t first, std::size_t count) {
    const RandomScope scope(kSeed, step, positions(first, count));
    return RandomScope::current(count).stream_of_step(Purpose::kScale).next();
  };
  EXPECT_EQ(draw(5, 0, 8), draw(5, 8, 3));
  EXPECT_NE(draw(5, 0, 8), draw(6, 0, 8));
}

}  // namespace
}  // namespace lockstep::nn::keyed_random_test
