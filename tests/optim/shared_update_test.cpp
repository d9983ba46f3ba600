#include <gtest/gtest.h>
#include <torch/torch.h>

#include <mutex>

#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer.h"
#include "lockstep/parallel/arena.h"
#include "lockstep/parallel/launch.h"

namespace lockstep::optim::shared_update_test {
namespace {

constexpr int kSteps = 5;
constexpr double kClip = 0.1;

/// The same on every rank: the default generator is shared by the threads.
torch::nn::Sequential make_network() {
  torch::nn::Sequential network(torch::nn::Linear(300, 200), torch::nn::Linear(200, 70), torch::nn::Linear(70, 3));
  const at::NoGradGuard no_grad;
  at::Generator generator = at::detail::createCPUGenerator(1);
  for (at::Tensor& parameter : network->parameters()) {
    parameter.copy_(at::randn(parameter.sizes(), generator).mul_(0.1));
  }
  return network;
}

/// What a rank holds after some steps.
struct Trained {
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> averages;
  std::vector<std::pair<std::string, at::Tensor>> state;
  std::vector<double> norms;
};

/// Every rank gets the same gradients; `share` says whether they share their parameters and updates.
Trained train(parallel::Rank& rank, const OptimizerOptions& options, std::int64_t bucket_bytes, bool share) {
  torch::nn::Sequential network = make_network();
  torch::nn::Sequential shadow = make_network();
  std::vector<parallel::ArenaParameter> parameters;
  for (const auto& item : network->named_parameters()) {
    parameters.push_back({item.key(), item.value(), 0});
  }
  parallel::Arena arena(parameters, bucket_bytes);
  Optimizer optimizer(arena, options);
  Ema ema(arena, *network, *shadow, {.decay = 0.9});
  if (share) {
    EXPECT_EQ(arena.share_values(rank.group), rank.world_size > 1);
    if (rank.world_size > 1) {
      optimizer.share_out(rank.group);
      ema.share(rank.group);
    }
  }
  Trained trained;
  for (int step = 0; step < kSteps; ++step) {
    at::Generator generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(step));
    arena.begin_step();
    network->forward(at::randn({4, 300}, generator)).square().sum().backward();
    trained.norms.push_back(arena.gradient_norm());
    ema.begin_update(step + 5);
    Update update;
    update.learning_rate = 1e-2;
    if (options.kind == OptimizerKind::kSgd) {
      update.momentum = step < 2 ? 0 : 0.9;  // a schedule may give momentum on the way
    }
    update.gradient_factor = kClip / trained.norms.back();
    optimizer.step(update, &ema);
  }
  trained.weights = network->parameters();
  trained.averages = shadow->parameters();
  trained.state = optimizer.state();
  return trained;
}

OptimizerOptions options_of(OptimizerKind kind) {
  OptimizerOptions options;
  options.kind = kind;
  options.momentum = 0;
  options.weight_decay = {0.1};
  return options;
}

void expect_same(const Trained& seen, const Trained& expected) {
  EXPECT_EQ(seen.norms, expected.norms);
  for (std::size_t i = 0; i < expected.weights.size(); ++i) {
    EXPECT_TRUE(at::equal(seen.weights[i], expected.weights[i])) << "parameter " << i;
    EXPECT_TRUE(at::equal(seen.averages[i], expected.averages[i])) << "average " << i;
  }
  ASSERT_EQ(seen.state.size(), expected.state.size());
  for (std::size_t i = 0; i < expected.state.size(); ++i) {
    EXPECT_EQ(seen.state[i].first, expected.state[i].first);
    EXPECT_TRUE(at::equal(seen.state[i].second, expected.state[i].second)) << expected.state[i].first;
  }
}

TEST(SharedUpdate, GivesTheBitsOfOneRank) {
  for (const OptimizerKind kind : {OptimizerKind::kAdamW, OptimizerKind::kSgd}) {
    for (const std::int64_t bucket_bytes : {1, 100'000, 1 << 24}) {
      Trained alone;
      parallel::launch({c10::kCPU}, {}, [&](parallel::Rank& rank) {
        alone = train(rank, options_of(kind), bucket_bytes, /*share=*/true);
      });
      for (const int ranks : {2, 3}) {
        std::mutex mutex;
        parallel::launch(std::vector<c10::Device>(static_cast<std::size_t>(ranks), c10::kCPU), {},
                         [&](parallel::Rank& rank) {
                           const Trained seen = train(rank, options_of(kind), bucket_bytes, /*share=*/true);
                           const std::lock_guard lock(mutex);
                           expect_same(seen, alone);
                         });
      }
    }
  }
}

TEST(SharedUpdate, RanksKeepOneCopyOfParametersMomentsAndAverages) {
  std::mutex mutex;
  std::vector<Trained> by_rank;
  parallel::launch({c10::kCPU, c10::kCPU}, {}, [&](parallel::Rank& rank) {
    Trained trained = train(rank, options_of(OptimizerKind::kAdamW), 100'000, /*share=*/true);
    const std::lock_guard lock(mutex);
    by_rank.push_back(std::move(trained));
  });
  for (std::size_t i = 0; i < by_rank[0].weights.size(); ++i) {
    EXPECT_EQ(by_rank[0].weights[i].data_ptr(), by_rank[1].weights[i].data_ptr());
    EXPECT_EQ(by_rank[0].averages[i].data_ptr(), by_rank[1].averages[i].data_ptr());
  }
  EXPECT_EQ(by_rank[0].state[0].second.data_ptr(), by_rank[1].state[0].second.data_ptr());
}

}  // namespace
}  // namespace lockstep::optim::shared_update_test
