// What the sum of the gradients over two ranks adds to forward and backward.
//
// usage: bench_sync SIDE BATCH

#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>

#include "benchmarks/protocol.h"
#include "lockstep/parallel/gradient_sync.h"
#include "tests/parity/networks.h"

namespace lockstep::benchmarks {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kBucketBytes = 8 << 20;
constexpr int kPairs = 5;

class SyncedStep {
 public:
  SyncedStep(parallel::Rank& rank, std::int64_t side, std::int64_t batch)
      : rank_(rank),
        network_(parity::make_network("pool_network", kClasses, /*seed=*/1)),
        images_(at::randn({batch, 3, side, side})),
        labels_(at::randint(kClasses, {batch}, at::kLong)),
        arena_(parameters(), kBucketBytes),
        sync_(arena_, rank.group) {}

  Figures run_round() {
    std::vector<double> without;
    std::vector<double> with;
    std::vector<double> cost;
    for (int pair = 0; pair < kPairs; ++pair) {
      without.push_back(measure(false));
      with.push_back(measure(true));
      cost.push_back(with.back() - without.back());
    }
    return {{"without_sync_ms", median(without)}, {"with_sync_ms", median(with)}, {"cost_ms", median(cost)}};
  }

 private:
  std::vector<parallel::ArenaParameter> parameters() const {
    std::vector<parallel::ArenaParameter> list;
    for (const auto& item : network_->named_parameters()) {
      list.push_back({item.key(), item.value(), item.value().dim() > 1 ? 0 : 1});
    }
    std::ranges::reverse(list);  // backward begins with the last
    return list;
  }

  /// As in DistributedDataParallel's no_sync, gradients stay this rank's own where there is no sync.
  double measure(bool with_sync) {
    rank_.group.barrier();
    return milliseconds([&] {
      if (with_sync) {
        sync_.begin();
        sync_.before_last_pass();
      } else {
        arena_.begin_step();
      }
      at::cross_entropy_loss(network_->forward(images_), labels_).backward();
      if (with_sync) {
        sync_.finish();
      }
    });
  }

  parallel::Rank& rank_;
  std::shared_ptr<parity::Network> network_;
  at::Tensor images_;
  at::Tensor labels_;
  parallel::Arena arena_;
  parallel::GradientSync sync_;
};

}  // namespace
}  // namespace lockstep::benchmarks

int main(int, char** arguments) {
  using namespace lockstep;
  const std::int64_t side = std::atoll(arguments[1]);
  const std::int64_t batch = std::atoll(arguments[2]);
  benchmarks::serve_ranks(2, [&](parallel::Rank& rank) {
    const auto step = std::make_shared<benchmarks::SyncedStep>(rank, side, batch);
    return [step] { return step->run_round(); };
  });
}
