#pragma once

#include "lockstep/metrics/saliency_pair.h"

namespace lockstep::metrics {

/// S-measure with alpha = 0.5, in 0 … 1: how alike prediction and mask are as objects (even inside, distinct from the
/// background) and as regions (structural similarity in the four quadrants around the object's centre).
/// Fan et al., "Structure-measure: a new way to evaluate foreground maps", ICCV 2017.
///
/// A quadrant without pixels, where the centre lies in the last row or column, counts nothing.
double structure_measure(const SaliencyPair& pair);

}  // namespace lockstep::metrics
