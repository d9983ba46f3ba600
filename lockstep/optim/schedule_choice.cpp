#include "lockstep/optim/schedule_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/rate_rule.h"
#include "lockstep/optim/schedule_curves.h"

namespace lockstep::optim {
namespace {

using Kind = ScheduleKind;

constexpr std::array<std::pair<const char*, Kind>, 7> kNames = {{{"onecycle", Kind::kOneCycle},
                                                                 {"cosine", Kind::kCosine},
                                                                 {"restarts", Kind::kRestarts},
                                                                 {"polynomial", Kind::kPolynomial},
                                                                 {"step", Kind::kStep},
                                                                 {"plateau", Kind::kPlateau},
                                                                 {"constant", Kind::kConstant}}};

std::string joined(const std::vector<std::string>& names, const char* last_separator) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    list += i == 0 ? "" : i + 1 == names.size() ? last_separator : ", ";
    list += names[i];
  }
  return list;
}

Kind kind_of(const std::string& name) {
  const auto* const found = std::ranges::find(kNames, name, [](const auto& entry) { return entry.first; });
  if (found == kNames.end()) {
    throw UsageError(text("--scheduler '", name, "' is not known"), "give " + joined(schedule_names(), " or "));
  }
  return found->second;
}

void require(bool holds, const char* flag, const char* range) {
  if (!holds) {
    throw UsageError(text(flag, " is out of its range"), text("give ", range));
  }
}

/// `is_given` of `flag`, which only schedules of these kinds use.
void require_use(const ScheduleChoice& choice, bool is_given, const char* flag, std::initializer_list<Kind> users) {
  const Kind kind = kind_of(choice.scheduler);
  if (!is_given || std::ranges::find(users, kind) != users.end()) {
    return;
  }
  std::vector<std::string> names;
  for (const auto& [name, of] : kNames) {
    if (std::ranges::find(users, of) != users.end()) {
      names.emplace_back(name);
    }
  }
  throw UsageError(text(flag, " does not go with --scheduler ", choice.scheduler),
                   text("leave out ", flag, ", or choose --scheduler ", joined(names, " or ")));
}

void validate_uses(const ScheduleChoice& choice) {
  require_use(choice, choice.min_learning_rate.has_value(), "--min-lr",
              {Kind::kCosine, Kind::kRestarts, Kind::kPlateau});
  require_use(choice, choice.restart_epochs.has_value(), "--restart-epochs", {Kind::kRestarts});
  require_use(choice, choice.restart_factor.has_value(), "--restart-factor", {Kind::kRestarts});
  require_use(choice, choice.power.has_value(), "--power", {Kind::kPolynomial});
  require_use(choice, choice.step_epochs.has_value(), "--step-epochs", {Kind::kStep});
  require_use(choice, choice.gamma.has_value(), "--gamma", {Kind::kStep});
  require_use(choice, choice.plateau_factor.has_value(), "--plateau-factor", {Kind::kPlateau});
  require_use(choice, choice.plateau_patience.has_value(), "--plateau-patience", {Kind::kPlateau});
  require_use(choice, choice.plateau_threshold.has_value(), "--plateau-threshold", {Kind::kPlateau});
  require_use(choice, choice.plateau_cooldown.has_value(), "--plateau-cooldown", {Kind::kPlateau});
}

void validate_ranges(const ScheduleChoice& choice) {
  const auto is_finite_from = [](double number, double least) { return number >= least && std::isfinite(number); };
  const auto is_share = [](double number) { return number > 0 && number < 1; };
  require(choice.learning_rate > 0 && std::isfinite(choice.learning_rate), "--lr", "a number above 0");
  require(is_finite_from(choice.min_learning_rate.value_or(0), 0), "--min-lr", "0 or more");
  require(is_finite_from(choice.warmup_epochs, 0), "--warmup-epochs", "0 or more");
  require(choice.restart_epochs.value_or(1) >= 1, "--restart-epochs", "1 or more");
  require(choice.restart_factor.value_or(1) >= 1, "--restart-factor", "1 or more");
  require(is_finite_from(choice.power.value_or(0), 0), "--power", "0 or more");
  require(choice.step_epochs.value_or(1) >= 1, "--step-epochs", "1 or more");
  require(is_share(choice.gamma.value_or(0.1)), "--gamma", "a number between 0 and 1");
  require(is_share(choice.plateau_factor.value_or(0.1)), "--plateau-factor", "a number between 0 and 1");
  require(choice.plateau_patience.value_or(0) >= 0, "--plateau-patience", "0 or more");
  require(is_finite_from(choice.plateau_threshold.value_or(0), 0), "--plateau-threshold", "0 or more");
  require(choice.plateau_cooldown.value_or(0) >= 0, "--plateau-cooldown", "0 or more");
}

void require_room(const ScheduleOptions& options) {
  if (options.min_learning_rate > options.learning_rate) {
    throw UsageError(
        text("--min-lr ", options.min_learning_rate, " is above the learning rate ", options.learning_rate),
        "give a smaller --min-lr, or a larger --lr");
  }
  if (options.warmup_steps >= options.total_steps) {
    throw UsageError(text("--warmup-epochs: the warm-up takes ", options.warmup_steps, " steps, and there are only ",
                          options.total_steps),
                     "give fewer --warmup-epochs, or more epochs");
  }
}

/// The last epoch that lies wholly before the end of a fall, counted from the run's start.
std::int64_t last_epoch_of(const ScheduleOptions& options, const Fall& fall, std::int64_t steps_per_epoch) {
  return (options.warmup_steps + fall.start + fall.length) / steps_per_epoch;
}

}  // namespace

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const auto& [name, kind] : kNames) {
      list.emplace_back(name);
    }
    return list;
  }();
  return names;
}

void ScheduleChoice::validate() const {
  validate_uses(*this);
  validate_ranges(*this);
  validate_rate_rule(*this);
}

ScheduleOptions in_steps(const ScheduleChoice& choice, std::int64_t epochs, std::int64_t steps_per_epoch,
                         double learning_rate) {
  constexpr double kMinimumOfRestarts = 1e-6;
  choice.validate();
  ScheduleOptions options;
  options.kind = kind_of(choice.scheduler);
  options.learning_rate = learning_rate;
  options.min_learning_rate = choice.min_learning_rate.value_or(
      options.kind == Kind::kRestarts ? std::min(kMinimumOfRestarts, learning_rate) : 0);
  options.warmup_steps = std::llround(choice.warmup_epochs * static_cast<double>(steps_per_epoch));
  options.total_steps = epochs * steps_per_epoch;
  options.restart_steps = choice.restart_epochs.value_or(10) * steps_per_epoch;
  options.restart_factor = choice.restart_factor.value_or(2);
  options.power = choice.power.value_or(1);
  options.step_length = choice.step_epochs.value_or(30) * steps_per_epoch;
  options.gamma = choice.gamma.value_or(0.1);
  options.plateau.factor = choice.plateau_factor.value_or(options.plateau.factor);
  options.plateau.patience = choice.plateau_patience.value_or(options.plateau.patience);
  options.plateau.threshold = choice.plateau_threshold.value_or(options.plateau.threshold);
  options.plateau.cooldown = choice.plateau_cooldown.value_or(options.plateau.cooldown);
  require_room(options);
  return options;
}

std::optional<std::string> word_on_open_restart(const ScheduleOptions& options, std::int64_t steps_per_epoch) {
  constexpr double kHigh = 0.05;  // of the full learning rate; a fall of 20 epochs is below it in the last three
  const double last_rate = Schedule(options).at(options.total_steps - 1).learning_rate;
  if (options.kind != Kind::kRestarts || last_rate <= kHigh * options.learning_rate) {
    return std::nullopt;
  }
  const Fall last = fall_at(options, options.total_steps - 1 - options.warmup_steps);
  const std::int64_t end = last_epoch_of(options, last, steps_per_epoch);
  std::string lengths = text(end);
  if (last.restarts > 0) {
    lengths = text(last_epoch_of(options, fall_at(options, last.start - 1), steps_per_epoch), " or ", end);
  }
  return text("the learning rate is still ", std::setprecision(2), last_rate,
              " in the last step, in the middle of a fall of --scheduler ", "restarts; ", lengths,
              " epochs would end with a fall");
}

}  // namespace lockstep::optim
