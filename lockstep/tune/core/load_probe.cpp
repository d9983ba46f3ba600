#include "lockstep/tune/core/load_probe.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/epoch_order.h"

namespace lockstep::tune {
namespace {

/// Threads that load what comes next in the order, until the time is up.
class Loaders {
 public:
  Loaders(const data::Dataset& samples, std::uint64_t seed, std::uint64_t first_position, data::BadSamples* bad_samples)
      : samples_(samples),
        bad_samples_(bad_samples),
        seed_(seed),
        order_(data::shuffled_order(seed, /*epoch=*/0, samples.size())),
        next_(first_position) {}

  void work(Clock::time_point until) {
    data::Batch place;
    try {
      while (Clock::now() < until) {
        const std::uint64_t position = next_++;
        data::shape_batch(place, samples_.layout(), {{seed_, 0, position, order_[position % order_.size()]}});
        const WorkScope rest("other");
        load(place);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
  }

  std::int64_t done() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
    if (done_ == 0) {
      throw DataError("none of the samples that were tried can be read", "mend the files that are named above");
    }
    return done_;
  }

 private:
  void load(data::Batch& place) {
    try {
      samples_.load(place.draws.front(), data::slot_of(place, 0));
      ++done_;
    } catch (const DataError&) {
      if (bad_samples_ == nullptr) {
        throw;
      }
      bad_samples_->note(samples_, place.draws.front().index, std::current_exception());
      bad_samples_->check();
    }
  }

  const data::Dataset& samples_;
  data::BadSamples* bad_samples_;
  std::uint64_t seed_;
  data::EpochOrder order_;
  std::atomic<std::uint64_t> next_;
  std::atomic<std::int64_t> done_{0};
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

double LoadMeasurement::cpu_seconds_per_sample() const {
  double sum = 0;
  for (const auto& [name, time] : work) {
    sum += time.cpu_seconds;
  }
  return sum / static_cast<double>(samples);
}

double LoadMeasurement::share(const std::string& name) const {
  double sum = 0;
  for (const auto& [other, time] : work) {
    sum += time.seconds;
  }
  const auto found = work.find(name);
  return found != work.end() ? found->second.seconds / sum : 0;
}

LoadCosts costs_of(const LoadMeasurement& one_thread, const LoadMeasurement& all_cores) {
  constexpr double kNoticed = 0.05;   // of a sample's time: less is no disk that one waits for
  constexpr double kQueueing = 1.25;  // times as long
  const auto read_wait = [](const LoadMeasurement& measured) {
    const auto read = measured.work.find("read");
    return read == measured.work.end()
               ? 0
               : (read->second.seconds - read->second.cpu_seconds) / static_cast<double>(measured.samples);
  };
  const double alone = read_wait(one_thread);
  const double busy = read_wait(all_cores);
  LoadCosts costs{one_thread.seconds_per_sample(), all_cores.seconds_per_sample(), all_cores.cpu_seconds_per_sample()};
  costs.read_wait = alone > kNoticed * costs.seconds_alone ? alone : 0;
  if (costs.read_wait > 0 && busy > kQueueing * alone) {
    costs.most_per_second = std::max(all_cores.samples_per_second(), 1 / alone);
    costs.seconds_busy -= busy - alone;  // what the disk keeps them from is told by its own limit
  }
  return costs;
}

LoadMeasurement measure_loading(const data::Dataset& samples, int threads, Seconds duration, std::uint64_t seed,
                                std::uint64_t first_position, data::BadSamples* bad_samples) {
  Loaders loaders(samples, seed, first_position, bad_samples);
  const WorkMeter meter;
  const Stopwatch watch;
  const Clock::time_point until = Clock::now() + std::chrono::duration_cast<Clock::duration>(duration);
  {
    std::vector<std::jthread> working;
    for (int thread = 0; thread < threads; ++thread) {
      working.emplace_back([&] { loaders.work(until); });
    }
  }
  const double seconds = watch.seconds();
  return {threads, loaders.done(), seconds, meter.times()};
}

}  // namespace lockstep::tune
