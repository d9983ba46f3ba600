#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::observe {

/// The last measurements of one thing, in seconds.
class Measured {
 public:
  explicit Measured(std::size_t most) : most_(most) {}

  void add(double seconds);
  bool is_empty() const { return seconds_.empty(); }
  std::size_t count() const { return seconds_.size(); }
  void clear() { seconds_.clear(); }
  double mean() const;   ///< 0 where nothing was measured
  double worst() const;  ///< 0 where nothing was measured

 private:
  std::size_t most_;
  std::deque<double> seconds_;
};

/// What is left to be done of a run, as a budget sees it.
struct WorkAhead {
  std::int64_t epochs_done = 0;
  std::vector<double> steps{};      ///< of each epoch from the present one on, in steps of the present size
  std::int64_t evaluate_every = 1;  ///< epochs; the last is always evaluated
};

/// Decides what still fits into the time that a program may run, from what its parts were measured to take. All times
/// are in seconds; an age is counted from the start of the program.
class Budget {
 public:
  explicit Budget(double seconds) : seconds_(seconds) {}

  /// What a step took in an earlier start: it counts until one is measured.
  void assume_step(double seconds) { steps_.add(seconds); }
  void stepped(double seconds);
  void evaluated(double seconds);

  /// For how long the training stood still for a snapshot, and how long it took until that was safely on the disk.
  void stood_still(double seconds) { stalls_.add(seconds); }
  void saved(double seconds) { saves_.add(seconds); }

  /// What comes after the loop.
  void will_finish_in(double seconds);

  double seconds() const { return seconds_; }
  double step_seconds() const { return steps_.mean(); }
  double evaluation_seconds() const { return evaluations_.mean(); }
  double save_seconds() const { return saves_.worst(); }
  double finish_seconds() const { return finish_; }

  /// What the end takes, with play: what was measured may take longer the next time.
  double tail_seconds(bool with_evaluation) const;

  /// Whether this many more steps and the tail would last beyond the budget.
  bool is_over(double age, std::int64_t steps, bool with_evaluation) const;

  /// Whether an evaluation can come to its end, if all before it is saved.
  bool evaluation_fits(double age) const { return !must_leave(age + evaluations_.worst()); }

  /// Whether something under way must be left, so that nothing but the rest of the tail is still possible.
  bool must_leave(double age) const { return age + tail_seconds(/*with_evaluation=*/false) > seconds_; }

  /// Of the run's epochs, those that will be done when the budget is used up, with the ones done before. `factor`: how
  /// long a step is, as a multiple of those that were measured.
  std::int64_t epochs_that_fit(double age, const WorkAhead& work, double factor = 1) const;

 private:
  double seconds_;
  Measured steps_{50};
  Measured evaluations_{2};
  Measured saves_{5};
  Measured stalls_{5};
  double finish_ = 0;
  std::int64_t steps_measured_ = 0;
};

/// Another setting, with which more would fit.
struct OtherFit {
  std::string flag;  ///< "--img-size 320"
  std::int64_t epochs = 0;
};

/// "26 of 40 epochs will fit; with --img-size 320: 38".
std::string describe_fit(std::int64_t epochs_that_fit, std::int64_t epochs, const std::optional<OtherFit>& other);

}  // namespace lockstep::observe
