// The update on one thread: the norm, and in one pass clip, AdamW and EMA. Nothing needs to be zeroed.
//
// usage: bench_update

#include <torch/torch.h>

#include <algorithm>

#include "benchmarks/protocol.h"
#include "lockstep/base/memory.h"
#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer.h"
#include "tests/parity/networks.h"

namespace lockstep::benchmarks {
namespace {

constexpr std::int64_t kClasses = 10;
constexpr std::int64_t kBucketBytes = 8 << 20;
constexpr int kRepeats = 9;
constexpr double kClipNorm = 1;
constexpr double kLearningRate = 1e-4;

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
    double norm = 0;
    figures["norm_ms"] = milliseconds([&] { norm = arena_.gradient_norm(); });
    figures["clip_adamw_ema_ms"] = milliseconds([&] {
      average_.begin_update(++updates_);
      optim::Update update;
      update.learning_rate = kLearningRate;
      update.gradient_factor = std::min(1.0, kClipNorm / (norm + 1e-6));
      optimizer_.step(update, &average_);
      average_.follow_buffers();
    });
    figures["update_ms"] = figures["norm_ms"] + figures["clip_adamw_ema_ms"];
    return figures;
  }

  std::shared_ptr<parity::Network> network_;
  parallel::Arena arena_;
  std::shared_ptr<parity::Network> shadow_ = parity::make_network("pool_network", kClasses, /*seed=*/1);
  optim::Optimizer optimizer_{arena_, {}};
  optim::Ema average_{arena_, *network_, *shadow_, {.decay = 0.999}};
  std::int64_t updates_ = 0;
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
