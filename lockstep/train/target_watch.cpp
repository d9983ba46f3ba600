#include "lockstep/train/target_watch.h"

#include <algorithm>
#include <string>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/run_history.h"
#include "lockstep/observe/run_log.h"
#include "lockstep/train/stages.h"

namespace lockstep::train {

TargetWatch::TargetWatch(const Plan& plan) : plan_(plan), target_(observe::parse_target(plan.options.target)) {}

void TargetWatch::begin(const checkpoint::State& state, const std::filesystem::path& run_folder) {
  epochs_before_ = state.epoch;
  if (state.step == 0) {
    return;
  }
  for (const observe::EvaluateEvent& event : observe::read_run_history(run_folder / observe::kRunLogFile).evaluations) {
    if (const auto found = event.metrics.find(target_.metric);
        found != event.metrics.end() && event.step <= state.step) {
      evaluations_.push_back({epochs_after(plan_.stages, event.step), found->second});
    }
  }
}

void TargetWatch::evaluated(const checkpoint::State& state, const Metrics& metrics) {
  const auto found = metrics.find(target_.metric);
  if (found == metrics.end()) {
    std::string names;
    for (const auto& [name, value] : metrics) {
      names += (names.empty() ? "" : ", ") + name;
    }
    log::warn(text("--target ", plan_.options.target, ": there is no metric of that name, but ", names));
    return;
  }
  evaluations_.push_back({static_cast<double>(state.epoch), found->second});
  const double epochs = static_cast<double>(std::max<std::int64_t>(1, state.epoch - epochs_before_));
  const double seconds_per_epoch = since_evaluation_.lap() / epochs;
  epochs_before_ = state.epoch;
  log::info(describe(observe::forecast(target_, evaluations_, seconds_per_epoch), plan_.options.epochs));
}

}  // namespace lockstep::train
