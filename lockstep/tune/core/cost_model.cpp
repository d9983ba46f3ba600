#include "lockstep/tune/core/cost_model.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lockstep/base/error.h"

namespace lockstep::tune {
namespace {

/// The rate of the decode threads, were the disk no limit.
double decode_rate(const LoadCosts& load, int threads, int cores) {
  const double share = cores > 1 ? std::clamp((threads - 1.0) / (cores - 1.0), 0.0, 1.0) : 1.0;
  const double seconds = load.seconds_alone + share * (load.seconds_busy - load.seconds_alone);
  return threads / seconds;
}

}  // namespace

double load_rate(const LoadCosts& load, int threads, int cores) {
  return std::min(decode_rate(load, threads, cores), load.most_per_second);
}

Prediction predict(const LoadCosts& load, const StepCosts& step, const Setting& setting) {
  std::array<std::pair<double, Limit>, 4> rates{{
      {decode_rate(load, setting.decode_threads, setting.cores), Limit::kDecodeThreads},
      {load.most_per_second, Limit::kDisk},
      {setting.samples_per_step / step.seconds, Limit::kRanks},
      {setting.cores / (load.cpu_seconds + step.cpu_seconds_per_sample(setting)), Limit::kCores},
  }};
  std::ranges::sort(rates, {}, &std::pair<double, Limit>::first);
  return {rates[0].first, rates[0].second, rates[1].first, rates[1].second};
}

std::string name_of(Limit limit) {
  switch (limit) {
    case Limit::kDecodeThreads:
      return "the decode threads";
    case Limit::kDisk:
      return "the disk";
    case Limit::kRanks:
      return "the ranks";
    case Limit::kCores:
      return "the cores";
  }
  LOCKSTEP_ASSERT(false, "unknown limit");
}

}  // namespace lockstep::tune
