#include "lockstep/parallel/arena.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/parallel/gradient_sync.h"
#include "lockstep/parallel/launch.h"

namespace lockstep::parallel {
namespace {

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

TEST(Arena, GradientsAreThoseOfPlainAutograd) {
  auto plain = make_network();
  auto laid = make_network();
  Arena arena(parameters_of(*laid), 64);
  const at::Tensor input = torch::randn({4, 7});
  plain->forward(input).pow(2).sum().backward();
  for (int pass = 0; pass < 2; ++pass) {  // gradients of passes add up
    laid->forward(input).pow(2).sum().backward();
  }
  for (std::size_t i = 0; i < plain->parameters().size(); ++i) {
    EXPECT_TRUE(at::equal(plain->parameters()[i], laid->parameters()[i]));
    EXPECT_TRUE(at::allclose(plain->parameters()[i].grad() * 2, laid->parameters()[i].grad()));
  }
  EXPECT_GT(arena.buckets().size(), 1U);
}

TEST(Arena, NormDoesNotDependOnHowBucketsAreCut) {
  const at::Tensor input = torch::randn({4, 7});
  std::vector<double> norms;
  for (const std::int64_t bytes : {1, 200, 1 << 20}) {
    auto network = make_network();
    Arena arena(parameters_of(*network), bytes);
    network->forward(input).pow(2).sum().backward();
    norms.push_back(arena.gradient_norm());
  }
  EXPECT_GT(norms[0], 0);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
}

TEST(Arena, ZeroingForgetsGradientsAndUse) {
  auto network = make_network();
  Arena arena(parameters_of(*network), 1 << 20);
  network->forward(torch::randn({4, 7})).sum().backward();
  EXPECT_TRUE(arena.buckets()[0].slots[0].used);
  arena.zero_gradients();
  EXPECT_FALSE(arena.buckets()[0].slots[0].used);
  EXPECT_EQ(arena.gradient_norm(), 0);
}

TEST(GradientSync, SumsOverRanksAndAgreesOnUse) {
  launch({c10::kCPU, c10::kCPU}, {}, [](Rank& rank) {
    const at::Tensor both = torch::ones({3}, torch::requires_grad());
    const at::Tensor first_only = torch::ones({3}, torch::requires_grad());
    const at::Tensor nobody = torch::ones({3}, torch::requires_grad());
    Arena arena({{"both", both, 0}, {"first_only", first_only, 0}, {"nobody", nobody, 0}}, 1 << 20);
    GradientSync sync(arena, rank.group);
    sync.begin();
    sync.before_last_pass();
    at::Tensor loss = (both * (rank.index + 1)).sum();
    if (rank.is_first()) {
      loss = loss + (first_only * 5).sum();
    }
    loss.backward();
    sync.finish();
    EXPECT_TRUE(at::equal(both.grad(), torch::full({3}, 3.0F)));
    EXPECT_TRUE(at::equal(first_only.grad(), torch::full({3}, 5.0F)));
    for (const Slot& slot : arena.buckets()[0].slots) {
      EXPECT_EQ(slot.used, slot.name != "nobody") << slot.name;
    }
  });
}

}  // namespace
}  // namespace lockstep::parallel
