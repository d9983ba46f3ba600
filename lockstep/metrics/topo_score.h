#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"
#include "lockstep/metrics/betti_matching.h"

namespace lockstep::metrics {

/// match_betti() for each half of each axis, eight boxes in all (the first half is the larger one of an odd side), and
/// the sums: so the challenge counts, and a tunnel or cavity that lies across two boxes does not count.
BettiMatching match_betti_in_octants(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                                     const media::VolumeShape& shape, int threads = 1);

/// The F1 of matched features, 0 … 1: the mean over dimensions 0, 1, 2 with weights 0.34, 0.33, 0.33, of the dimensions
/// that have any feature; 1 where none has. Of a dimension without true features it is 0.5 / (0.5 + predicted).
double topo_score(const BettiMatching& counts);

}  // namespace lockstep::metrics
