#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/checkpoint/state.h"
#include "lockstep/observe/forecast.h"
#include "lockstep/train/evaluation.h"
#include "lockstep/train/plan.h"

namespace lockstep::train {

/// Says after each evaluation when the metric of --target will get where it is to get.
class TargetWatch {
 public:
  /// The plan, which has a --target, must outlive it.
  explicit TargetWatch(const Plan& plan);

  /// Reads what a run that goes on from `state` has evaluated before.
  void begin(const checkpoint::State& state, const std::filesystem::path& run_folder);

  void evaluated(const checkpoint::State& state, const Metrics& metrics);

 private:
  const Plan& plan_;
  const observe::Target target_;
  std::vector<observe::MetricPoint> evaluations_;  ///< of its metric, from all of the run
  Stopwatch since_evaluation_;
  std::int64_t epochs_before_ = 0;  ///< when that was started
};

}  // namespace lockstep::train
