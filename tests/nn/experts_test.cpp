#include "lockstep/nn/experts.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::nn::experts_test {
namespace {

constexpr std::int64_t kChannels = 8;
constexpr std::int64_t kExperts = 5;

std::shared_ptr<Experts> make_experts(std::int64_t top_k) {
  auto experts = std::make_shared<Experts>(ExpertsOptions{kChannels, kExperts, top_k});
  initialise(*experts, 3);
  const at::NoGradGuard no_gradient;
  for (auto& parameter : experts->named_parameters()) {
    parameter.value().mul_(10);  // so that gates differ from pixel to pixel, and no gradient is tiny
  }
  return experts;
}

at::Tensor features() {
  return at::linspace(-30, 30, 3 * kChannels * 6 * 5).view({3, kChannels, 6, 5}).sin() +
         at::linspace(-1, 1, 3).view({3, 1, 1, 1});
}

double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

std::string usage_error(std::int64_t count, std::int64_t top_k) {
  try {
    ExpertsOptions{kChannels, count, top_k}.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Experts, SendingPixelsToAllIsTheDenseMixture) {
  const ExpertsOutputs dense = make_experts(0)->forward(features());
  const ExpertsOutputs sparse = make_experts(kExperts)->forward(features());
  EXPECT_LE(largest(dense.features - sparse.features), 1e-5 * largest(dense.features));
  EXPECT_FALSE(dense.balance.defined());
  EXPECT_TRUE(at::allclose(dense.load.sum(1), at::full({3}, 30.0)));
  EXPECT_TRUE(at::equal(sparse.load, at::full({3, kExperts}, 30.0)));
}

TEST(Experts, MixTheChosenOnesInTheGatesProportions) {
  const auto experts = make_experts(2);
  const auto dense = make_experts(0);
  const ExpertsOutputs outputs = experts->forward(features());
  EXPECT_TRUE(at::equal(outputs.load.sum(1), at::full({3}, 60.0)));
  EXPECT_GT(largest(outputs.load - outputs.load.mean()), 0.5);
  // Where the gate leaves only two experts any weight, all experts and the best two are the same.
  const at::NoGradGuard no_gradient;
  for (const auto& network : {experts, dense}) {
    network->named_parameters()["gate.weight"].mul_(0.01);
    network->named_parameters()["gate.bias"].copy_(at::tensor({-100.0F, 1.0F, -100.0F, 0.5F, -100.0F}));
  }
  EXPECT_LE(largest(experts->forward(features()).features - dense->forward(features()).features), 1e-5);
}

TEST(Experts, ComputeTheChosenOnesOnly) {
  const auto experts = make_experts(2);
  const at::NoGradGuard no_gradient;
  experts->named_parameters()["gate.bias"].copy_(at::tensor({0.0F, 0.0F, -1e4F, 0.0F, 0.0F}));
  experts->named_parameters()["experts.2.fc1.weight"].fill_(std::numeric_limits<float>::quiet_NaN());
  const ExpertsOutputs outputs = experts->forward(features());
  EXPECT_TRUE(outputs.features.isfinite().all().item<bool>());
  EXPECT_EQ(outputs.load.select(1, 2).sum().item<double>(), 0.0);
}

TEST(Experts, TreatASampleTheSameInAnyBatch) {
  for (const std::int64_t top_k : {0, 1, 2}) {
    const auto experts = make_experts(top_k);
    const ExpertsOutputs together = experts->forward(features());
    for (std::int64_t sample = 0; sample < 3; ++sample) {
      const ExpertsOutputs alone = experts->forward(features().narrow(0, sample, 1));
      EXPECT_LE(largest(together.features.narrow(0, sample, 1) - alone.features), 1e-5);
      if (top_k > 0) {
        EXPECT_TRUE(at::equal(together.load[sample], alone.load[0]));
        EXPECT_NEAR(together.balance[sample].item<double>(), alone.balance[0].item<double>(), 1e-6);
      }
    }
  }
}

TEST(Experts, BalanceIsThatOfSwitchTransformersForEachSample) {
  const at::Tensor probabilities = at::linspace(-2, 2, 2 * 7 * 4, at::kDouble).mul(9).sin().view({2, 7, 4}).softmax(-1);
  const at::Tensor chosen = at::zeros_like(probabilities).scatter_(-1, probabilities.argmax(-1, true), 1);
  const at::Tensor losses = balance_losses(probabilities, chosen);
  for (std::int64_t sample = 0; sample < 2; ++sample) {
    double expected = 0;
    for (std::int64_t expert = 0; expert < 4; ++expert) {
      double share = 0;
      double probability = 0;
      for (std::int64_t pixel = 0; pixel < 7; ++pixel) {
        share += chosen[sample][pixel][expert].item<double>() / 7;
        probability += probabilities[sample][pixel][expert].item<double>() / 7;
      }
      expected += 4 * share * probability;
    }
    EXPECT_NEAR(losses[sample].item<double>(), expected, 1e-12);
  }
  EXPECT_NEAR(balance_losses(at::full({1, 4, 4}, 0.25), at::eye(4).unsqueeze(0)).item<double>(), 1.0, 1e-6);
}

TEST(Experts, GradientsEqualDifferencesInDouble) {
  for (const std::int64_t top_k : {0, 1, 2}) {
    const auto experts = make_experts(top_k);
    experts->to(at::kDouble);
    const at::Tensor input = features().to(at::kDouble);
    const at::Tensor probe = at::linspace(-4, 5, input.numel(), at::kDouble).sin().view(input.sizes());
    const auto loss = [&] {
      const ExpertsOutputs outputs = experts->forward(input);
      const at::Tensor answer = (outputs.features * probe).sum();
      return outputs.balance.defined() ? answer + outputs.balance.sum() : answer;
    };
    loss().backward();
    constexpr double kStep = 1e-6;
    for (const auto& item : experts->named_parameters()) {
      const at::Tensor place = item.value().detach().flatten()[item.value().numel() / 2];
      const double gradient = item.value().grad().flatten()[item.value().numel() / 2].item<double>();
      const at::NoGradGuard no_gradient;
      place.add_(kStep);
      const double above = loss().item<double>();
      place.sub_(2 * kStep);
      const double below = loss().item<double>();
      place.add_(kStep);
      EXPECT_NEAR(gradient, (above - below) / (2 * kStep), 1e-5 * std::max(1.0, std::abs(gradient))) << item.key();
    }
  }
}

TEST(Experts, RefuseWrongOptionsByTheirFlag) {
  EXPECT_EQ(usage_error(0, 0), "");
  EXPECT_EQ(usage_error(7, 7), "");
  EXPECT_NE(usage_error(-1, 0).find("--num-experts"), std::string::npos);
  EXPECT_NE(usage_error(7, 8).find("--moe-top-k"), std::string::npos);
  EXPECT_NE(usage_error(1, 1).find("--moe-top-k"), std::string::npos);
}

}  // namespace
}  // namespace lockstep::nn::experts_test
