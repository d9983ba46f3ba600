#include "lockstep/optim/rate_rule.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

std::string short_number(double number) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.3g", number);
  return digits;
}

/// The rule in force; "none" without a base.
std::string rule_of(const ScheduleChoice& choice) {
  return choice.lr_base_batch ? choice.lr_scaling.value_or("sqrt") : "none";
}

double batch_factor(const ScheduleChoice& choice, std::int64_t global_batch) {
  const std::string rule = rule_of(choice);
  if (rule == "none") {
    return 1;
  }
  const double ratio = static_cast<double>(global_batch) / static_cast<double>(*choice.lr_base_batch);
  return rule == "sqrt" ? std::sqrt(ratio) : ratio;
}

}  // namespace

const std::vector<std::string>& scaling_names() {
  static const std::vector<std::string> names = {"sqrt", "linear", "none"};
  return names;
}

void validate_rate_rule(const ScheduleChoice& choice) {
  if (choice.lr_base_batch.value_or(1) < 1) {
    throw UsageError("--lr-base-batch is out of its range", "give 1 or more");
  }
  if (choice.lr_scaling && std::ranges::find(scaling_names(), *choice.lr_scaling) == scaling_names().end()) {
    throw UsageError(text("--lr-scaling '", *choice.lr_scaling, "' is not known"), "give sqrt, linear or none");
  }
  if (choice.lr_scaling.value_or("none") != "none" && !choice.lr_base_batch) {
    throw UsageError(text("--lr-scaling ", *choice.lr_scaling, " has no batch to scale from"),
                     "give the global batch for which --lr was found as --lr-base-batch");
  }
  const double factor = choice.deep_supervision_lr_factor.value_or(1);
  if (!(factor > 0 && factor <= 1)) {
    throw UsageError("--deep-supervision-lr-factor is out of its range", "give a number above 0, up to 1");
  }
}

double scaled_rate(const ScheduleChoice& choice, const RateSetting& setting) {
  if (choice.deep_supervision_lr_factor && !setting.deep_supervision) {
    throw UsageError("--deep-supervision-lr-factor is for runs with deep supervision",
                     "leave it out, or give --deep-supervision");
  }
  const double scaled = setting.typed * batch_factor(choice, setting.global_batch);
  return scaled * choice.deep_supervision_lr_factor.value_or(1);
}

std::string describe_rate(const ScheduleChoice& choice, const RateSetting& setting) {
  const double rate = scaled_rate(choice, setting);
  const std::string rule = rule_of(choice);
  std::string factors;
  if (rule != "none") {
    const std::string ratio = text(setting.global_batch, " / ", *choice.lr_base_batch);
    factors += rule == "sqrt" ? text(" × sqrt(", ratio, ")") : text(" × ", ratio);
  }
  if (choice.deep_supervision_lr_factor) {
    factors += text(" × ", *choice.deep_supervision_lr_factor, " for deep supervision");
  }
  return factors.empty() ? text("learning rate ", setting.typed, ", as given")
                         : text("learning rate ", short_number(rate), " = ", setting.typed, factors);
}

}  // namespace lockstep::optim
