#pragma once

#include <array>
#include <cstdint>

#include "lockstep/metrics/saliency_pair.h"

namespace lockstep::metrics {

/// What a prediction cut at a threshold has right and wrong, in pixels.
struct Confusion {
  std::int64_t hits = 0;       ///< called object, and is
  std::int64_t predicted = 0;  ///< called object
  std::int64_t object = 0;     ///< is object
  std::int64_t pixels = 0;
};

/// F-measure with beta² = 0.3, in 0 … 1; 0 without a hit.
/// Achanta et al., "Frequency-tuned salient region detection", CVPR 2009.
double f_measure(const Confusion& confusion);

/// Enhanced alignment of prediction and mask, in 0 … 1 (or just above, as the published formula divides by pixels - 1).
/// Fan et al., "Enhanced-alignment measure for binary foreground map evaluation", IJCAI 2018.
double e_measure(const Confusion& confusion);

/// Intersection over union; `both_empty` where neither mask nor prediction has a pixel.
double intersection_over_union(const Confusion& confusion, double both_empty);

/// Dice coefficient; `both_empty` where neither mask nor prediction has a pixel.
double dice_coefficient(const Confusion& confusion, double both_empty);

/// The number of thresholds in a curve.
inline constexpr int kThresholds = 256;

/// The confusion where a pixel is object from this value (0 … 1) of the stretched prediction on.
Confusion confusion_at(const SaliencyPair& pair, double threshold);

/// The confusion at each grey level 255, 254, … 0 of the stretched prediction.
std::array<Confusion, kThresholds> confusion_by_level(const SaliencyPair& pair);

/// The threshold that adapts to the image: twice the mean of the stretched prediction, at most 1.
double adaptive_threshold(const SaliencyPair& pair);

}  // namespace lockstep::metrics
