// The update on one thread: norm and clip, AdamW, zero.
//
// usage: bench_update

#include <torch/torch.h>

#include <algorithm>

#include "benchmarks/protocol.h"
#include "lockstep/base/memory.h"
#include "lockstep/optim/adamw.h"
#include "tests/parity/networks.h"

namespace lockstep::benchmarks {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kBucketBytes = 8 << 20;
constexpr int kRepeats = 9;
constexpr double kClipNorm = 1;
constexpr double kLearningRate = 1e-4;
constexpr double kBeta1 = 0.9;

class Update {
 public:
  Update() : network_(parity::make_network("pool_network", kClasses, /*seed=*/1)), arena_(parameters(), kBucketBytes) {}

  Figures run_round() {
    std::vector<Figures> repeats;
    for (int i = 0; i < kRepeats; ++i) {
      repeats.push_back(measure());
    }
    std::ranges::sort(repeats, {}, [](const Figures& figures) { return figures.at("update_ms"); });
    return repeats[kRepeats / 2];
  }

 private:
  std::vector<parallel::ArenaParameter> parameters() const {
    std::vector<parallel::ArenaParameter> list;
    for (const auto& item : network_->named_parameters()) {
      list.push_back({item.key(), item.value(), item.value().dim() > 1 ? 0 : 1});
    }
    return list;
  }

  Figures measure() {
    for (parallel::Bucket& bucket : arena_.buckets()) {
      bucket.gradients.normal_(0, 1e-3);
      for (parallel::Slot& slot : bucket.slots) {
        slot.used = true;
      }
    }
    Figures figures;
    figures["clip_ms"] = milliseconds([&] {
      const double factor = kClipNorm / (arena_.gradient_norm() + 1e-6);
      if (factor < 1) {
        arena_.scale_gradients(factor);
      }
    });
    figures["adamw_ms"] = milliseconds([&] { optimizer_.step(kLearningRate, kBeta1); });
    figures["zero_ms"] = milliseconds([&] { arena_.zero_gradients(); });
    figures["update_ms"] = figures["clip_ms"] + figures["adamw_ms"] + figures["zero_ms"];
    return figures;
  }

  std::shared_ptr<parity::Network> network_;
  parallel::Arena arena_;
  optim::AdamW optimizer_{arena_, {}};
};

}  // namespace
}  // namespace lockstep::benchmarks

int main() {
  using namespace lockstep;
  keep_freed_memory();
  at::set_num_threads(1);
  benchmarks::stay_on_core(0);
  benchmarks::Update update;
  benchmarks::serve([&] { return update.run_round(); });
}
