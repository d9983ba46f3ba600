#pragma once

#include <cstdint>
#include <optional>

namespace lockstep::optim {

/// When and by how much the learning rate falls where the metric no longer rises: PyTorch's
/// ReduceLROnPlateau(mode="max", threshold_mode="rel"), with its defaults.
struct PlateauOptions {
  double factor = 0.1;         ///< what the learning rate is multiplied by; above 0, below 1
  std::int64_t patience = 10;  ///< evaluations without a gain that are borne; the next one reduces
  double threshold = 1e-4;     ///< a gain is a metric above the best times (1 + threshold)
  std::int64_t cooldown = 0;   ///< evaluations after a reduction that do not count as bad
};

/// What the evaluations so far have led to. Plain numbers, to be kept with a run's state; as it stands here, that of a
/// run without evaluations.
struct PlateauState {
  std::int64_t reductions = 0;
  std::optional<double> best = {};   ///< metric; larger is better
  std::int64_t bad_evaluations = 0;  ///< in a row, without a gain
  std::int64_t cooldown_left = 0;    ///< evaluations

  bool operator==(const PlateauState&) const = default;
};

/// The state after one more evaluation. A metric that is not a number is no gain.
PlateauState observed(const PlateauOptions& options, PlateauState state, double metric);

/// `learning_rate` after the reductions of `state`, never below `min_learning_rate`. As in PyTorch, one that would
/// change the learning rate by 1e-8 or less is not made.
double reduced_rate(const PlateauOptions& options, const PlateauState& state, double learning_rate,
                    double min_learning_rate);

}  // namespace lockstep::optim
