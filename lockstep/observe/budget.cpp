#include "lockstep/observe/budget.h"

#include <algorithm>
#include <numeric>

#include "lockstep/base/text.h"

namespace lockstep::observe {
namespace {

// How much longer than measured a part may take before the budget is overrun. An evaluation that does is left, so that
// it needs less play than what must come to its end.
constexpr double kPlayOfEvaluation = 1.15;
constexpr double kPlayOfRest = 1.5;

constexpr double kProgramEndSeconds = 0.7;  ///< from the last word of the run until the process is gone

}  // namespace

void Measured::add(double seconds) {
  seconds_.push_back(seconds);
  if (seconds_.size() > most_) {
    seconds_.pop_front();
  }
}

double Measured::mean() const {
  return is_empty() ? 0 : std::accumulate(seconds_.begin(), seconds_.end(), 0.0) / static_cast<double>(count());
}

double Measured::worst() const { return is_empty() ? 0 : *std::ranges::max_element(seconds_); }

/// The first step of a process also allocates and measures, and is no measure for the others.
void Budget::stepped(double seconds) {
  if (++steps_measured_ <= 2) {
    steps_.clear();
  }
  steps_.add(seconds);
}

void Budget::evaluated(double seconds) { evaluations_.add(seconds); }

void Budget::will_finish_in(double seconds) { finish_ = seconds; }

double Budget::tail_seconds(bool with_evaluation) const {
  // The last step is saved, and after an evaluation that is the run's own the state of that snapshot is written anew.
  const double evaluation = kPlayOfEvaluation * evaluations_.worst() + kPlayOfRest * saves_.worst();
  return (with_evaluation ? evaluation : 0) + kPlayOfRest * (saves_.worst() + finish_) + kProgramEndSeconds;
}

bool Budget::is_over(double age, std::int64_t steps, bool with_evaluation) const {
  return age + static_cast<double>(steps) * steps_.worst() + tail_seconds(with_evaluation) > seconds_;
}

std::int64_t Budget::epochs_that_fit(double age, const WorkAhead& work, double factor) const {
  const double end = seconds_ - tail_seconds(/*with_evaluation=*/false);
  const auto last = work.epochs_done + static_cast<std::int64_t>(work.steps.size());
  std::int64_t epoch = work.epochs_done;
  for (const double steps : work.steps) {
    const bool is_evaluated = (epoch + 1) % work.evaluate_every == 0 || epoch + 1 == last;
    age += steps * factor * steps_.mean() + stalls_.mean() + (is_evaluated ? evaluations_.mean() : 0);
    if (age > end) {
      break;
    }
    ++epoch;
  }
  return epoch;
}

std::string describe_fit(std::int64_t epochs_that_fit, std::int64_t epochs, const std::optional<OtherFit>& other) {
  const auto count = [](std::int64_t number) { return text(number, number == 1 ? " epoch" : " epochs"); };
  if (epochs_that_fit >= epochs) {
    return text("all of the ", count(epochs), " will fit");
  }
  const std::string words = text(epochs_that_fit, " of ", count(epochs), " will fit");
  return other ? text(words, "; with ", other->flag, ": ", other->epochs) : words;
}

}  // namespace lockstep::observe
