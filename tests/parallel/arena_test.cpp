#include "lockstep/parallel/arena.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

namespace lockstep::parallel::arena_test {
namespace {

using testing::ElementsAre;

std::vector<ArenaParameter> parameters_of(const torch::nn::Module& module) {
  std::vector<ArenaParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    parameters.push_back({item.key(), item.value(), item.value().dim() > 1 ? 0 : 1});
  }
  return parameters;
}

torch::nn::Sequential make_network() {
  torch::manual_seed(5);
  return torch::nn::Sequential(torch::nn::Linear(7, 13), torch::nn::ReLU(), torch::nn::Linear(13, 3));
}

/// One step of several passes; gives the buckets in the order in which they became final during backward.
std::vector<std::size_t> step(Arena& arena, torch::nn::Sequential& network, const std::vector<at::Tensor>& inputs) {
  std::vector<std::size_t> finals;
  arena.begin_step();
  for (std::size_t pass = 0; pass < inputs.size(); ++pass) {
    if (pass + 1 == inputs.size()) {
      arena.before_last_pass([&](std::size_t bucket) { finals.push_back(bucket); });
    }
    network->forward(inputs[pass]).pow(2).sum().backward();
  }
  arena.close_step([&](std::size_t) { ADD_FAILURE() << "a bucket was not final by itself"; });
  return finals;
}

TEST(Arena, GradientsAreThoseOfPlainAutogradStepAfterStep) {
  auto plain = make_network();
  auto laid = make_network();
  Arena arena(parameters_of(*laid), 64);
  EXPECT_GT(arena.buckets().size(), 1U);
  const std::vector<at::Tensor> inputs = {torch::randn({4, 7}), torch::randn({4, 7}), torch::randn({4, 7})};
  for (int repetition = 0; repetition < 2; ++repetition) {  // what is left of a step does not come into the next
    plain->zero_grad();
    for (const at::Tensor& input : inputs) {
      plain->forward(input).pow(2).sum().backward();
    }
    step(arena, laid, inputs);
    for (std::size_t i = 0; i < plain->parameters().size(); ++i) {
      EXPECT_TRUE(at::equal(plain->parameters()[i], laid->parameters()[i]));
      EXPECT_TRUE(at::equal(plain->parameters()[i].grad(), laid->parameters()[i].grad()));
    }
  }
}

TEST(Arena, BucketsAreFinalInTheLastPassAsTheirGradientsLand) {
  auto network = make_network();
  std::vector<ArenaParameter> parameters = parameters_of(*network);
  std::ranges::reverse(parameters);
  Arena arena(parameters, 1);
  ASSERT_EQ(arena.buckets().size(), 4U);
  const auto finals = step(arena, network, {torch::randn({4, 7}), torch::randn({4, 7})});
  EXPECT_THAT(finals, testing::UnorderedElementsAre(0, 1, 2, 3));
  const std::vector<std::string> order = arena.landing_order();
  ASSERT_EQ(order.size(), 4U);
  EXPECT_THAT(std::vector(order.begin(), order.begin() + 2), testing::UnorderedElementsAre("2.bias", "2.weight"));
}

TEST(Arena, ASharedWeightLandsOnce) {
  const at::Tensor weight = torch::ones({3}, torch::requires_grad());
  Arena arena({{"weight", weight, 0}}, 1 << 20);
  int finals = 0;
  arena.begin_step();
  arena.before_last_pass([&](std::size_t) { ++finals; });
  (weight * 2 + weight * 3).sum().backward();
  EXPECT_EQ(finals, 1);
  EXPECT_TRUE(at::equal(weight.grad(), torch::full({3}, 5.0F)));
}

TEST(Arena, WhatGotNoGradientHasZerosAndIsNotUsed) {
  const at::Tensor used = torch::ones({3}, torch::requires_grad());
  const at::Tensor unused = torch::ones({3}, torch::requires_grad());
  Arena arena({{"used", used, 0}, {"unused", unused, 0}}, 1 << 20);
  for (const bool both : {true, false}) {
    arena.begin_step();
    arena.before_last_pass([&](std::size_t) { EXPECT_TRUE(both); });
    (both ? (used * 2 + unused).sum() : (used * 2).sum()).backward();
    int late = 0;
    arena.close_step([&](std::size_t) { ++late; });
    EXPECT_EQ(late, both ? 0 : 1);
    arena.read_use();
    EXPECT_TRUE(arena.buckets()[0].slots[0].used);
    EXPECT_EQ(arena.buckets()[0].slots[1].used, both);
    EXPECT_TRUE(at::equal(unused.grad(), torch::full({3}, both ? 1.0F : 0.0F)));
    EXPECT_TRUE(at::equal(used.grad(), torch::full({3}, 2.0F)));
  }
}

TEST(Arena, AFailedStepKeepsWhatWasFinalAndZeroesTheRest) {
  const at::Tensor first = torch::ones({3}, torch::requires_grad());
  const at::Tensor second = torch::ones({3}, torch::requires_grad());
  Arena arena({{"first", first, 0}, {"second", second, 0}}, 1);
  std::vector<std::size_t> finals;
  const auto note = [&](std::size_t bucket) { finals.push_back(bucket); };
  arena.begin_step();
  (second * 9).sum().backward();
  arena.before_last_pass(note);
  (first * 2).sum().backward();
  arena.fail_step(note);
  EXPECT_THAT(finals, ElementsAre(0, 1));
  EXPECT_TRUE(at::equal(first.grad(), torch::full({3}, 2.0F)));
  EXPECT_TRUE(at::equal(second.grad(), torch::zeros({3})));
  arena.read_use();
  EXPECT_FALSE(arena.buckets()[1].slots[0].used);
}

TEST(Arena, NormDoesNotDependOnHowBucketsAreCut) {
  const at::Tensor input = torch::randn({4, 7});
  std::vector<double> norms;
  for (const std::int64_t bytes : {1, 200, 1 << 20}) {
    auto network = make_network();
    Arena arena(parameters_of(*network), bytes);
    step(arena, network, {input});
    norms.push_back(arena.gradient_norm());
  }
  EXPECT_GT(norms[0], 0);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
}

TEST(Arena, AnotherOneTakesTheParametersOver) {
  auto network = make_network();
  auto first = std::make_unique<Arena>(parameters_of(*network), 64);
  const at::Tensor input = torch::randn({4, 7});
  step(*first, network, {input});
  const at::Tensor gradient = network->parameters()[0].grad().clone();
  first.reset();
  Arena second(parameters_of(*network), 1 << 20);
  step(second, network, {input});
  EXPECT_TRUE(at::equal(gradient, network->parameters()[0].grad()));
  EXPECT_TRUE(at::equal(second.buckets()[0].gradient(second.buckets()[0].slots[0]).view({13, 7}), gradient));
}

}  // namespace
}  // namespace lockstep::parallel::arena_test
