#include "lockstep/train/clock_watch.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/clock.h"
#include "lockstep/base/duration.h"
#include "lockstep/base/error.h"
#include "lockstep/base/program_age.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/run_history.h"
#include "lockstep/observe/run_log.h"

namespace lockstep::train {

using observe::Part;

namespace {

/// After so many steps the first of them weighs little, and what the end takes is measured.
constexpr std::int64_t kStepsToMeasure = 5;

/// What earlier starts of the run took, with what came before their first record.
double seconds_of_earlier_starts(const std::filesystem::path& run_folder) {
  const std::filesystem::path log = run_folder / observe::kRunLogFile;
  if (!std::filesystem::exists(log)) {
    return 0;
  }
  const observe::RunHistory history = observe::read_run_history(log);
  double seconds = history.seconds;
  for (const nlohmann::json& record : history.others) {
    if (record.at("event") == observe::StartEvent::kName) {
      seconds += record.value("age_seconds", 0.0);
    }
  }
  return seconds;
}

}  // namespace

double age_of_program(const TrainOptions& options) {
  return options.age_seconds ? options.age_seconds() : program_age_seconds();
}

double seconds_to_run(const TrainOptions& options) {
  double seconds = std::numeric_limits<double>::infinity();
  if (!options.time_budget.empty()) {
    seconds = parse_duration("--time-budget", options.time_budget);
  }
  if (!options.quota.empty()) {
    const double quota = parse_duration("--quota", options.quota);
    const double used = seconds_of_earlier_starts(options.checkpoint_dir);
    if (used >= quota) {
      throw UsageError(
          text("--quota ", options.quota, " is used up: the starts of this run took ", format_duration(used)),
          "give a larger one; what was saved is safe");
    }
    seconds = std::min(seconds, quota - used);
  }
  if (age_of_program(options) >= seconds) {
    throw UsageError(text("the program may run for ", format_duration(seconds), ", which its start has used up"),
                     "give a larger --time-budget or --quota");
  }
  return seconds;
}

ClockWatch::ClockWatch(const Plan& plan, const checkpoint::State& state, int world_size)
    : plan_(plan),
      world_size_(world_size),
      models_(plan.options.ema_decay > 0 ? 2 : 1),
      budget_(plan.seconds_to_run),
      age_at_first_step_(age()),
      began_here_(state.step == 0) {
  const checkpoint::Costs& known = state.costs;
  if (known.step > 0) {
    budget_.assume_step(known.step);
  }
  if (known.save > 0) {
    budget_.saved(known.save);
  }
  if (known.evaluation > 0) {
    budget_.evaluated(known.evaluation);
    evaluation_is_known_ = true;
  }
  budget_.will_finish_in(known.finish);
}

void ClockWatch::step_ended(const observe::PartSeconds& parts) {
  budget_.stepped(age() - step_since_);
  if (++steps_ > 1) {
    step_seconds_ += parts.sum() - parts[Part::kEvaluate] - parts[Part::kCheckpoint];
    compute_seconds_ += parts[Part::kCopy] + parts[Part::kAugment] + parts[Part::kForward] + parts[Part::kBackward];
  }
  has_to_plan_ = false;
}

void ClockWatch::evaluated(double since) {
  const double seconds = age() - since;
  budget_.evaluated(seconds);
  evaluation_is_known_ = true;
  has_to_plan_ = true;
  expect_end(seconds / models_ / batches_of_rank() / static_cast<double>(plan_.options.batch_size));
}

void ClockWatch::stood_still(double since) {
  budget_.stood_still(age() - since);
  has_saved_ = true;
}

void ClockWatch::note_save(double seconds) {
  if (seconds != save_seconds_) {
    save_seconds_ = seconds;
    budget_.saved(seconds);
  }
}

bool ClockWatch::rehearsal_is_due() const { return has_limit() && !evaluation_is_known_ && steps_ == kStepsToMeasure; }

bool ClockWatch::wants_save() const {
  return has_limit() && steps_ + 1 >= kStepsToMeasure && budget_.save_seconds() == 0 && !has_saved_;
}

/// The first batch also prepares, and the others wait for what the decode threads have not done ahead.
void ClockWatch::rehearsed(const std::vector<double>& ages) {
  const double first = ages.at(1) - ages.at(0);
  double slowest = 0;
  for (std::size_t i = 2; i < ages.size(); ++i) {
    slowest = std::max(slowest, ages[i] - ages[i - 1]);
  }
  const double whole = models_ * (first + (batches_of_rank() - 1) * slowest);
  budget_.evaluated(whole);
  evaluation_is_known_ = true;
  expect_end(std::max(first, slowest) / static_cast<double>(plan_.options.batch_size));
}

/// The end reads and writes the weights, as a snapshot does, and makes examples on one rank.
void ClockWatch::expect_end(double seconds_per_sample) {
  constexpr double kModelAndReportSeconds = 0.3;
  budget_.will_finish_in(static_cast<double>(kReportExamples) * seconds_per_sample + budget_.save_seconds() / 2 +
                         kModelAndReportSeconds);
}

double ClockWatch::batches_of_rank() const {
  const auto samples = static_cast<double>(plan_.task.evaluation_set().size());
  return std::ceil(std::ceil(samples / world_size_) / static_cast<double>(plan_.options.batch_size));
}

/// The next chance to say so comes with the next step, so that there must be time for two.
bool ClockWatch::last_step_begins() {
  constexpr std::int64_t kSteps = 2;
  if (!has_limit()) {
    return false;
  }
  const double now = age();
  if (has_to_plan_) {  // where there is no time for another evaluation, it goes to steps
    plans_evaluation_ = !budget_.is_over(now, kSteps, /*with_evaluation=*/true);
  }
  return budget_.is_over(now, kSteps, plans_evaluation_);
}

bool ClockWatch::is_out_of_time() const { return budget_.is_over(age(), 1, /*with_evaluation=*/false); }

bool ClockWatch::evaluation_fits() const { return !has_limit() || budget_.evaluation_fits(age()); }

checkpoint::Costs ClockWatch::costs() const {
  return {budget_.step_seconds(), budget_.evaluation_seconds(), budget_.save_seconds(), budget_.finish_seconds()};
}

bool ClockWatch::can_tell_what_fits() const { return has_limit() && evaluation_is_known_ && steps_ > 1; }

observe::WorkAhead ClockWatch::work_from(std::int64_t epoch, std::int64_t step_in_epoch) const {
  observe::WorkAhead work{epoch, {}, plan_.options.evaluate_every};
  const auto batch_of = [&](std::int64_t of) {
    return static_cast<double>(stage_of(plan_.stages, of).batches.global_batch);
  };
  for (std::int64_t coming = epoch; coming < plan_.options.epochs; ++coming) {
    const auto all = static_cast<std::int64_t>(stage_of(plan_.stages, coming).batches.steps_per_epoch());
    const std::int64_t left = coming == epoch ? all - step_in_epoch : all;
    work.steps.push_back(static_cast<double>(left) * batch_of(coming) / batch_of(epoch));
  }
  return work;
}

std::int64_t ClockWatch::epochs_that_fit(const checkpoint::State& state) const {
  return budget_.epochs_that_fit(age(), work_from(state.epoch, state.step_in_epoch));
}

/// The mildest with which all epochs would have fitted, or else the cheapest, in a run that is begun anew.
std::optional<observe::OtherFit> ClockWatch::better_alternative(std::int64_t epochs_that_fit) const {
  const double compute = compute_seconds_ / step_seconds_;
  const observe::WorkAhead all = work_from(plan_.stages.front().first_epoch, 0);
  std::optional<observe::OtherFit> best;
  for (const tasks::Alternative& other : plan_.task.cheaper_alternatives()) {
    const double factor = 1 - compute * (1 - other.share_of_work);
    const std::int64_t epochs = budget_.epochs_that_fit(age_at_first_step_, all, factor);
    if (epochs > std::max(epochs_that_fit, best ? best->epochs : 0)) {
      best = observe::OtherFit{other.flag, epochs};
    }
  }
  return best;
}

std::string ClockWatch::describe_what_fits(const checkpoint::State& state) const {
  const std::int64_t fit = epochs_that_fit(state);
  const bool all = fit >= plan_.options.epochs;
  return observe::describe_fit(fit, plan_.options.epochs, all || !began_here_ ? std::nullopt : better_alternative(fit));
}

}  // namespace lockstep::train
