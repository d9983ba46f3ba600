#include "lockstep/train/tuning.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "lockstep/base/error.h"
#include "lockstep/train/memory_format.h"

namespace lockstep::train {
namespace {

std::vector<std::string> formats_to_try(const TrainOptions& options) {
  const std::string by_rule = choose_memory_format(options.memory_format).name;
  return options.memory_format == "auto" ? std::vector<std::string>{by_rule, "contiguous"} : std::vector{by_rule};
}

std::vector<int> threads_to_try(const TrainOptions& options, int most) {
  if (options.threads_per_rank) {
    return {static_cast<int>(*options.threads_per_rank)};
  }
  std::vector<int> threads{most};
  for (int count = 1; count < most; count *= 2) {
    threads.push_back(count);
  }
  return threads;
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::ranges::nth_element(numbers, middle);
  return *middle;
}

}  // namespace

std::vector<Tuning> tunings_to_try(const TrainOptions& options, int most_threads_per_rank) {
  std::vector<Tuning> tunings;
  for (const std::string& format : formats_to_try(options)) {
    for (const int threads : threads_to_try(options, most_threads_per_rank)) {
      tunings.push_back({format, threads});
    }
  }
  return tunings;
}

double greatest_of_ranks(parallel::Group& group, double number) {
  double greatest = number;
  for (const std::vector<std::byte>& bytes : group.all_gather(std::as_bytes(std::span(&number, 1)))) {
    double other = 0;
    LOCKSTEP_ASSERT(bytes.size() == sizeof other, "a rank sends one number");
    std::memcpy(&other, bytes.data(), sizeof other);
    greatest = std::max(greatest, other);
  }
  return greatest;
}

std::vector<Trial> try_out(parallel::Group& group, const std::vector<Tuning>& tunings, const TimedStep& step,
                           Seconds budget) {
  constexpr double kMostSteps = 5;
  const double share = budget.count() / static_cast<double>(tunings.size());
  // Whatever depends on times depends on agreed ones, so that all ranks make the same steps.
  double spent = 0;
  std::vector<Trial> trials;
  for (const Tuning& tuning : tunings) {
    if (!trials.empty() && spent >= budget.count()) {
      break;
    }
    const double first = greatest_of_ranks(group, step(tuning));
    const auto steps = static_cast<std::size_t>(std::clamp(share / first - 1, 1.0, kMostSteps));
    std::vector<double> seconds;
    while (seconds.size() < steps) {
      seconds.push_back(step(tuning));
    }
    trials.push_back({tuning, greatest_of_ranks(group, median(seconds))});
    spent += first + static_cast<double>(steps) * trials.back().seconds;
  }
  return trials;
}

const Trial& winner_of(const std::vector<Trial>& trials) {
  constexpr double kClearly = 0.97;
  const auto fastest = std::ranges::min_element(trials, {}, &Trial::seconds);
  LOCKSTEP_ASSERT(fastest != trials.end(), "nothing was tried");
  return fastest->seconds < kClearly * trials.front().seconds ? *fastest : trials.front();
}

}  // namespace lockstep::train
