#include "lockstep/cli/schedule_options.h"

#include "lockstep/optim/rate_rule.h"

namespace lockstep::cli {
namespace {

// Larger numbers are slips of the finger.
constexpr double kMostEvaluations = 1e6;
constexpr double kLargestFactor = 100;
constexpr const char* kGroup = "Learning rate";

OptionTraits between(Bound minimum, std::optional<Bound> maximum = {}) {
  OptionTraits traits;
  traits.group = kGroup;
  traits.minimum = minimum;
  traits.maximum = maximum;
  return traits;
}

OptionTraits one_of(const std::vector<std::string>& names) {
  return {.group = kGroup, .placeholder = "NAME", .allowed = names};
}

void add_shape_options(OptionTable& table, optim::ScheduleChoice& choice) {
  table.add("--min-lr", choice.min_learning_rate,
            "cosine, plateau: the lowest learning rate (default: 0); restarts: where each fall ends (default: 1e-06).",
            between(inclusive(0)));
  table.add("--restart-epochs", choice.restart_epochs, "restarts: epochs of the first fall, T_0 (default: 10).",
            between(inclusive(1), inclusive(kMostEpochs)));
  table.add("--restart-factor", choice.restart_factor,
            "restarts: how many times as long each next fall is, T_mult (default: 2).",
            between(inclusive(1), inclusive(kLargestFactor)));
  table.add("--power", choice.power, "polynomial: of the part of the steps that is left (default: 1).",
            between(inclusive(0), inclusive(kLargestFactor)));
  table.add("--step-epochs", choice.step_epochs, "step: epochs until the learning rate falls again (default: 30).",
            between(inclusive(1), inclusive(kMostEpochs)));
  table.add("--gamma", choice.gamma, "step: what the learning rate is multiplied by (default: 0.1).",
            between(exclusive(0), exclusive(1)));
}

void add_plateau_options(OptionTable& table, optim::ScheduleChoice& choice) {
  table.add("--plateau-factor", choice.plateau_factor,
            "plateau: what the learning rate is multiplied by where the best metric no longer rises (default: 0.1).",
            between(exclusive(0), exclusive(1)));
  table.add("--plateau-patience", choice.plateau_patience,
            "plateau: evaluations without a gain that are borne before that (default: 10).",
            between(inclusive(0), inclusive(kMostEvaluations)));
  table.add("--plateau-threshold", choice.plateau_threshold,
            "plateau: by what part of the best metric a gain must exceed it (default: 0.0001).", between(inclusive(0)));
  table.add("--plateau-cooldown", choice.plateau_cooldown,
            "plateau: evaluations after a fall that do not count (default: 0).",
            between(inclusive(0), inclusive(kMostEvaluations)));
}

void add_scaling_options(OptionTable& table, optim::ScheduleChoice& choice) {
  table.add("--lr-base-batch", choice.lr_base_batch,
            "The global batch for which the learning rate was found; it is then scaled to the one in use.",
            between(inclusive(1), inclusive(kMostSamples)));
  table.add("--lr-scaling", choice.lr_scaling,
            "How it is scaled from --lr-base-batch: by the root of the ratio (the default), by the ratio, or not.",
            one_of(optim::scaling_names()));
  table.add("--deep-supervision-lr-factor", choice.deep_supervision_lr_factor,
            "With --deep-supervision: what the learning rate is multiplied by, such as 0.6 (default: 1).",
            between(exclusive(0), inclusive(1)));
}

}  // namespace

void add_schedule_options(OptionTable& table, optim::ScheduleChoice& choice) {
  table.add("--lr", choice.learning_rate, "The highest learning rate.", between(exclusive(0)));
  table.add("--scheduler", choice.scheduler, "How the learning rate goes over the run; see 'lockstep schedule'.",
            one_of(optim::schedule_names()));
  table.add("--warmup-epochs", choice.warmup_epochs,
            "Epochs in front of the schedule, in which the learning rate rises from near zero.",
            between(inclusive(0), inclusive(kMostEpochs)));
  add_shape_options(table, choice);
  add_plateau_options(table, choice);
  add_scaling_options(table, choice);
}

}  // namespace lockstep::cli
