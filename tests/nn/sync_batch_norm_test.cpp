#include "lockstep/nn/sync_batch_norm.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>

#include "lockstep/base/error.h"
#include "lockstep/nn/activation_checkpoint.h"
#include "lockstep/parallel/launch.h"

namespace lockstep::nn::sync_batch_norm_test {
namespace {

/// A network with its batch norms as typed members, out of reach from outside.
struct Network : torch::nn::Module {
  Network()
      : first(register_module("first", torch::nn::BatchNorm2d(3))),
        conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 4, 3)))),
        second(register_module("second", torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(4).momentum(0.3)))) {
    const at::NoGradGuard no_gradient;
    for (auto& parameter : parameters()) {
      const auto count = static_cast<double>(parameter.numel());
      parameter.copy_(at::linspace(-1, 2, parameter.numel(), at::kDouble).mul(count).sin().view(parameter.sizes()));
    }
    to(at::kDouble);
  }

  at::Tensor forward(const at::Tensor& images) {
    return second->forward(conv->forward(first->forward(images)).sigmoid()).square();
  }

  torch::nn::BatchNorm2d first;
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d second;
};

/// Seven images, the values of which lie far from zero.
at::Tensor images() {
  return at::linspace(-1, 1, 7 * 3 * 5 * 6, at::kDouble).mul(900).sin().view({7, 3, 5, 6}) * 2 + 30;
}

at::Tensor probe() { return at::linspace(-3, 4, 7 * 4 * 3 * 4, at::kDouble).cos().view({7, 4, 3, 4}); }

double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

void expect_close(const at::Tensor& value, const at::Tensor& expected, const std::string& what) {
  ASSERT_EQ(value.sizes(), expected.sizes()) << what;
  EXPECT_LE(largest((value - expected).to(at::kDouble)), 1e-9 * std::max(1.0, largest(expected.to(at::kDouble))))
      << what;
}

/// Trains one step with the batch cut into these shares, one a rank, and compares it with one batch.
void compare_with_one_batch(const std::vector<std::int64_t>& shares, bool with_checkpoints) {
  Network whole;
  const at::Tensor input = images().requires_grad_();
  const at::Tensor expected = whole.forward(input);
  (expected * probe()).sum().backward();

  std::map<std::string, at::Tensor> gradients;
  std::mutex mutex;
  parallel::launch(std::vector<c10::Device>(shares.size(), c10::kCPU), {}, [&](parallel::Rank& rank) {
    const auto network = std::make_shared<Network>();
    const auto index = static_cast<std::size_t>(rank.index);
    const std::int64_t first = std::accumulate(shares.begin(), shares.begin() + rank.index, std::int64_t{0});
    const at::Tensor share = images().narrow(0, first, shares[index]).clone().requires_grad_();
    at::Tensor output;
    {
      const SyncBatchNormScope scope(&rank.group);
      const auto run = [network](const at::Tensor& batch) { return network->forward(batch); };
      output = with_checkpoints ? checkpointed(network, share, run) : run(share);
    }
    (output * probe().narrow(0, first, shares[index])).sum().backward();

    const std::lock_guard lock(mutex);
    if (shares[index] > 0) {
      expect_close(output, expected.narrow(0, first, shares[index]), "output");
      expect_close(share.grad(), input.grad().narrow(0, first, shares[index]), "gradient of the input");
    }
    for (const auto& parameter : network->named_parameters()) {
      at::Tensor& sum = gradients[parameter.key()];
      sum = sum.defined() ? sum + parameter.value().grad() : parameter.value().grad();
    }
    for (const auto& buffer : network->named_buffers()) {
      expect_close(buffer.value(), whole.named_buffers()[buffer.key()], buffer.key());
    }
  });
  for (const auto& parameter : whole.named_parameters()) {
    expect_close(gradients.at(parameter.key()), parameter.value().grad(), parameter.key());
  }
}

TEST(SyncBatchNorm, EqualsOneBatchNormOverTheJoinedBatch) {
  compare_with_one_batch({7}, false);
  compare_with_one_batch({3, 4}, false);
  compare_with_one_batch({1, 4, 2}, false);
}

TEST(SyncBatchNorm, TakesARankWithoutSamples) {
  compare_with_one_batch({7, 0}, false);
  compare_with_one_batch({0, 5, 2}, false);
}

TEST(SyncBatchNorm, JoinsTheSecondRunOfACheckpointedSegment) { compare_with_one_batch({3, 4}, true); }

TEST(SyncBatchNorm, GradientEqualsDifferencesInDouble) {
  const std::vector<at::Tensor> shares = images().slice(2, 0, 2).slice(3, 0, 2).contiguous().split_with_sizes({3, 4});
  const at::Tensor weight = at::tensor({0.5, -1.0, 2.0}, at::kDouble);
  const auto loss_of_both = [&](const at::Tensor& own, std::size_t owner, std::array<at::Tensor, 2>* gradients) {
    std::array<double, 2> losses{};
    parallel::launch({c10::kCPU, c10::kCPU}, {}, [&](parallel::Rank& rank) {
      const auto index = static_cast<std::size_t>(rank.index);
      const at::Tensor input = (index == owner ? own : shares[index]).detach().clone().requires_grad_();
      const at::Tensor output = sync_batch_norm(input, weight, {}, {}, {}, 0.1, 1e-3, rank.group);
      const at::Tensor loss = (output.pow(3) * (1.0 + static_cast<double>(index))).sum();
      loss.backward();
      losses[index] = loss.item<double>();
      if (gradients != nullptr) {
        (*gradients)[index] = input.grad();
      }
    });
    return losses[0] + losses[1];
  };
  std::array<at::Tensor, 2> gradients;
  loss_of_both(shares[0], 0, &gradients);
  constexpr double kStep = 1e-5;
  for (const std::size_t owner : {0, 1}) {
    for (std::int64_t place = 0; place < shares[owner].numel(); place += 5) {
      const at::Tensor moved = shares[owner].clone();
      moved.view({-1})[place] += kStep;
      const double above = loss_of_both(moved, owner, nullptr);
      moved.view({-1})[place] -= 2 * kStep;
      const double below = loss_of_both(moved, owner, nullptr);
      const double gradient = gradients[owner].view({-1})[place].item<double>();
      EXPECT_NEAR(gradient, (above - below) / (2 * kStep), 1e-5 * std::max(1.0, std::abs(gradient)));
    }
  }
}

TEST(SyncBatchNorm, KeepsPrecisionFarFromZeroInFloat) {
  const at::Tensor input = (images() + 3000).to(at::kFloat);
  const at::Tensor exact = at::batch_norm(input.to(at::kDouble), {}, {}, {}, {}, true, 0.1, 1e-5, false);
  parallel::launch({c10::kCPU, c10::kCPU}, {}, [&](parallel::Rank& rank) {
    const at::Tensor share = rank.is_first() ? input.narrow(0, 0, 3) : input.narrow(0, 3, 4);
    const at::Tensor expected = rank.is_first() ? exact.narrow(0, 0, 3) : exact.narrow(0, 3, 4);
    const at::Tensor output = sync_batch_norm(share, {}, {}, {}, {}, 0.1, 1e-5, rank.group);
    EXPECT_LE(largest(output - expected), 2e-4);
  });
}

TEST(SyncBatchNorm, LeavesEvaluationAndOtherThreadsAlone) {
  parallel::launch({c10::kCPU}, {}, [&](parallel::Rank& rank) {
    Network network;
    Network plain;
    {
      const SyncBatchNormScope scope(&rank.group);
      network.eval();
      plain.eval();
      EXPECT_TRUE(at::equal(network.forward(images()), plain.forward(images())));
    }
    EXPECT_EQ(SyncBatchNormScope::innermost_group(), nullptr);
    EXPECT_TRUE(at::equal(network.first->running_mean, at::zeros({3}, at::kDouble)));
  });
}

TEST(SyncBatchNorm, RefusesASingleValue) {
  try {
    parallel::launch({c10::kCPU, c10::kCPU}, {}, [&](parallel::Rank& rank) {
      sync_batch_norm(at::ones({rank.is_first() ? 1 : 0, 3}), {}, {}, {}, {}, 0.1, 1e-5, rank.group);
    });
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("--batch-size"), std::string::npos);
  }
}

TEST(SyncBatchNorm, IsCountedByItsLayers) {
  EXPECT_EQ(count_batch_norms(Network()), 2U);
  torch::nn::Sequential others(torch::nn::Linear(2, 2), torch::nn::LayerNorm(torch::nn::LayerNormOptions({2})));
  EXPECT_EQ(count_batch_norms(*others), 0U);
  EXPECT_EQ(count_batch_norms(*torch::nn::Sequential(torch::nn::BatchNorm1d(2), torch::nn::BatchNorm3d(2))), 2U);
}

}  // namespace
}  // namespace lockstep::nn::sync_batch_norm_test
