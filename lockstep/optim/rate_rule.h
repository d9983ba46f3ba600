#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/optim/schedule_choice.h"

/// From the learning rate that was typed to the one that is used.
namespace lockstep::optim {

/// What is known of a run (or a stage) beside the rate that was typed.
struct RateSetting {
  double typed = 0;               ///< --lr, or --stage2-lr
  std::int64_t global_batch = 1;  ///< samples
  bool deep_supervision = false;
};

/// The learning rate in use: the typed one, times (global batch / --lr-base-batch) to the power of 1/2 (sqrt;
/// Krizhevsky, "One weird trick", 2014) or 1 (linear; Goyal et al., "Accurate, large minibatch SGD", 2017) where
/// --lr-base-batch is given, times --deep-supervision-lr-factor where there is deep supervision. Throws UsageError for
/// a factor without it.
double scaled_rate(const ScheduleChoice& choice, const RateSetting& setting);

/// Both rates and the way from one to the other, for the start of a run: "learning rate 0.00057 = 0.0004 × sqrt(16 /
/// 8)"; "learning rate 0.0004, as given" where nothing was asked for.
std::string describe_rate(const ScheduleChoice& choice, const RateSetting& setting);

/// The names of the rules, as --lr-scaling takes them.
const std::vector<std::string>& scaling_names();

/// The part of ScheduleChoice::validate() that is about these rules.
void validate_rate_rule(const ScheduleChoice& choice);

}  // namespace lockstep::optim
