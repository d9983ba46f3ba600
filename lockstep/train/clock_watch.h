#pragma once

#include <limits>
#include <string>
#include <vector>

#include "lockstep/checkpoint/state.h"
#include "lockstep/observe/budget.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/train/plan.h"

namespace lockstep::train {

/// How long the program may run by --time-budget, and by what earlier starts of the run have left of --quota, in
/// seconds from its start on; infinite without both. Throws UsageError where nothing is left.
double seconds_to_run(const TrainOptions& options);

/// The age of the program in seconds, as --time-budget counts it.
double age_of_program(const TrainOptions& options);

/// How many examples the report shows.
inline constexpr std::size_t kReportExamples = 12;

/// A rank's eye on the clock: measures what the parts of a run take, and says what still fits into the time that the
/// program may run. What the ranks do together is decided by the first one's.
class ClockWatch {
 public:
  /// `state`: with what earlier starts have measured.
  ClockWatch(const Plan& plan, const checkpoint::State& state, int world_size);

  bool has_limit() const { return budget_.seconds() < std::numeric_limits<double>::infinity(); }
  double age() const { return age_of_program(plan_.options); }

  void step_begins() { step_since_ = age(); }
  void step_ended(const observe::PartSeconds& parts);

  // What was measured, from an age on until now:
  void evaluated(double since);
  void stood_still(double since);  ///< for a snapshot

  /// How long it took until the last snapshot was whole on the disk; 0 where there was none yet.
  void note_save(double seconds);

  /// Whether an evaluation and a snapshot are to be measured now, since the run has not come to any.
  bool rehearsal_is_due() const;
  bool wants_save() const;

  /// What a rehearsal took: the ages before each of its first batches and at its end.
  void rehearsed(const std::vector<double>& ages);

  /// Whether the step that begins now should be the last one.
  bool last_step_begins();

  /// Whether no step more fits, though the evaluation of the last one be left to a later start.
  bool is_out_of_time() const;
  bool evaluation_fits() const;

  /// Whether an evaluation under way must be left.
  bool must_leave() const { return has_limit() && budget_.must_leave(age()); }

  std::int64_t steps() const { return steps_; }  ///< of this process
  checkpoint::Costs costs() const;

  /// Whether steps and evaluation were measured.
  bool can_tell_what_fits() const;
  std::int64_t epochs_that_fit(const checkpoint::State& state) const;

  /// The same in words, with a cheaper setting where not all fit.
  std::string describe_what_fits(const checkpoint::State& state) const;

 private:
  observe::WorkAhead work_from(std::int64_t epoch, std::int64_t step_in_epoch) const;
  std::optional<observe::OtherFit> better_alternative(std::int64_t epochs_that_fit) const;
  void expect_end(double seconds_per_sample);
  double batches_of_rank() const;

  const Plan& plan_;
  int world_size_;
  double models_;  ///< that an evaluation measures
  observe::Budget budget_;
  double age_at_first_step_;
  bool began_here_;  ///< the run, in this process
  std::int64_t steps_ = 0;
  double step_since_ = 0;
  double step_seconds_ = 0;     ///< by the parts of all steps but the first
  double compute_seconds_ = 0;  ///< of them, in passes over the network
  double save_seconds_ = 0;     ///< as noted
  bool has_saved_ = false;
  bool evaluation_is_known_ = false;
  bool plans_evaluation_ = true;  ///< at the end
  bool has_to_plan_ = true;       ///< since the start, or an evaluation, there was no step
};

}  // namespace lockstep::train
