#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

struct VolumeScoreOptions {
  /// Whether to match Betti numbers: the topological score, and with it the total, takes longer than all others.
  bool topology = true;
  /// At most so many threads work on one volume; at least 1.
  int threads = 1;
};

/// How good a predicted volume of labels is.
struct VolumeScores {
  double dice = 0;          ///< 0 … 1, over the voxels that the truth has decided on; 1 where both are empty there
  double surface_dice = 0;  ///< 0 … 1, at a tolerance of 2 voxels
  double voi_split = 0;     ///< in bits, 0 is best: how far the prediction tears components of the truth apart
  double voi_merge = 0;     ///< in bits, 0 is best: how far the prediction joins components of the truth
  double voi_score = 0;     ///< 0 … 1: 1 / (1 + 0.3 (voi_split + voi_merge))
  std::optional<double> topo_score;  ///< 0 … 1: F1 of matched Betti numbers; only where it was asked for
  std::optional<double> total;       ///< 0.30 topo_score + 0.35 surface_dice + 0.35 voi_score
};

/// Scores a prediction against the truth, both (depth, height, width) labels. All labels but 0 and data::kIgnore are
/// foreground. For all scores but Dice, voxels that the truth ignores are background in both; for Dice they are left
/// out. docs/surface-metrics.md has the formulas and where they come from.
VolumeScores score_volume(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                          const media::VolumeShape& shape, const VolumeScoreOptions& options = {});

/// The scores of one volume as a flat list of numbers of one length, so that ranks can gather it.
std::vector<double> volume_record(const VolumeScores& scores);

/// The length of each record.
std::int64_t volume_record_length();

/// The means over the volumes by name: dice, surface_dice, voi_split, voi_merge, voi_score, topo_score, total. The last
/// two are left out where a record has none. Empty for no records.
std::map<std::string, double> summarise_volumes(std::span<const std::vector<double>> records);

}  // namespace lockstep::metrics
