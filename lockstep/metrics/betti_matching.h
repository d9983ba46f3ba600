#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// How many topological features of one dimension there are, and how many correspond to each other.
struct BettiCounts {
  std::int64_t matched = 0;
  std::int64_t predicted = 0;
  std::int64_t actual = 0;

  bool operator==(const BettiCounts&) const = default;
};

/// The features of dimension 0 (components but one), 1 (tunnels) and 2 (cavities).
using BettiMatching = std::array<BettiCounts, 3>;

/// Matches the topological features of two binary volumes, (depth, height, width), not zero in the foreground, where
/// both see them at the same place: where the union of both volumes has one feature that holds both. The volumes have
/// fewer than 2^29 voxels.
///
/// A foreground voxel is a corner of the cubical complex, which has an edge, a square and a cube where all their
/// corners are foreground: components hang together over faces, the background over corners. Everything is Betti
/// matching with foreground 0 and background 1, where every feature but the first component ends as the background
/// fills in. Which feature of the union ends when depends on the order of the cells, and the counts on that: it is the
/// order of the published program, so that the counts are its counts.
///
/// Stucki et al., "Topologically faithful image segmentation via induced matching of persistence barcodes", ICML 2023;
/// Stucki et al., "Efficient Betti matching enables topology-aware 3D segmentation via persistent homology", 2024.
BettiMatching match_betti(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                          const media::VolumeShape& shape);

}  // namespace lockstep::metrics
