#include "lockstep/tune/core/warm_samples.h"

#include <algorithm>
#include <mutex>

#include "lockstep/base/error.h"
#include "lockstep/tune/core/load_probe.h"

namespace lockstep::tune {
namespace {

/// Notes which samples can be read.
class NotedSamples : public data::Dataset {
 public:
  explicit NotedSamples(const data::Dataset& samples) : samples_(samples) {}

  std::size_t size() const override { return samples_.size(); }
  const std::vector<data::Field>& layout() const override { return samples_.layout(); }
  std::string name(std::size_t index) const override { return samples_.name(index); }

  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    try {
      samples_.load(draw, slot);
    } catch (const DataError&) {
      return;  // who measures the files themselves has told of it
    }
    const std::lock_guard lock(mutex_);
    noted_.push_back(draw.index);
  }

  /// Each of them once.
  std::vector<std::uint64_t> take_noted() {
    std::ranges::sort(noted_);
    noted_.erase(std::ranges::unique(noted_).begin(), noted_.end());
    return std::move(noted_);
  }

 private:
  const data::Dataset& samples_;
  mutable std::mutex mutex_;
  mutable std::vector<std::uint64_t> noted_;
};

}  // namespace

WarmSamples::WarmSamples(const data::Dataset& cached, std::uint64_t seed, int threads, Seconds duration)
    : cached_(cached) {
  NotedSamples noted(cached);
  measure_loading(noted, threads, duration, seed, /*first_position=*/0);
  kept_ = noted.take_noted();
  if (kept_.empty()) {
    throw DataError("none of the samples that were tried can be read", "mend the files that are named above");
  }
}

void WarmSamples::load(const data::Draw& draw, const data::SampleSlot& slot) const {
  data::Draw kept = draw;
  kept.index = kept_[draw.index % kept_.size()];
  cached_.load(kept, slot);
}

}  // namespace lockstep::tune
