#include "lockstep/metrics/volume_scores.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/data/label_index.h"
#include "lockstep/metrics/confusion.h"
#include "lockstep/metrics/surface_dice.h"
#include "lockstep/metrics/topo_score.h"
#include "lockstep/metrics/variation_of_information.h"

namespace lockstep::metrics {
namespace {

constexpr double kTolerance = 2;      // voxels
constexpr double kVoiScale = 0.3;     // per bit
constexpr double kTopoWeight = 0.30;  // of the total, as the two below
constexpr double kSurfaceWeight = 0.35;
constexpr double kVoiWeight = 0.35;

struct Score {
  const char* name;
  double (*value)(const VolumeScores&);
};

/// What a record holds; not a number where there is none.
constexpr std::array kScores{
    Score{"dice", [](const VolumeScores& scores) { return scores.dice; }},
    Score{"surface_dice", [](const VolumeScores& scores) { return scores.surface_dice; }},
    Score{"voi_split", [](const VolumeScores& scores) { return scores.voi_split; }},
    Score{"voi_merge", [](const VolumeScores& scores) { return scores.voi_merge; }},
    Score{"voi_score", [](const VolumeScores& scores) { return scores.voi_score; }},
    Score{"topo_score",
          [](const VolumeScores& scores) {
            return scores.topo_score.value_or(std::numeric_limits<double>::quiet_NaN());
          }},
    Score{"total",
          [](const VolumeScores& scores) { return scores.total.value_or(std::numeric_limits<double>::quiet_NaN()); }},
};

/// 1 where a label is foreground that the truth has decided on.
std::vector<std::uint8_t> decided_foreground(std::span<const std::uint8_t> labels,
                                             std::span<const std::uint8_t> truth) {
  std::vector<std::uint8_t> foreground(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    foreground[i] = labels[i] != 0 && labels[i] != data::kIgnore && truth[i] != data::kIgnore ? 1 : 0;
  }
  return foreground;
}

double dice(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth) {
  Confusion confusion;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    confusion.predicted += prediction[i];
    confusion.object += truth[i];
    confusion.hits += prediction[i] & truth[i];
  }
  return dice_coefficient(confusion, 1);
}

}  // namespace

VolumeScores score_volume(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                          const media::VolumeShape& shape, const VolumeScoreOptions& options) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(prediction.size()) == shape.voxels() && prediction.size() == truth.size(),
                  "both volumes have the shape");
  LOCKSTEP_ASSERT(options.threads >= 1, "scores need a thread");
  // Voxels that are background in both add nothing to Dice: to leave them out is the same.
  const std::vector<std::uint8_t> predicted = decided_foreground(prediction, truth);
  const std::vector<std::uint8_t> actual = decided_foreground(truth, truth);
  VolumeScores scores;
  scores.dice = dice(predicted, actual);
  scores.surface_dice = surface_dice(predicted, actual, shape, kTolerance, options.threads);
  const VariationOfInformation information = variation_of_information(predicted, actual, shape, options.threads);
  scores.voi_split = information.split;
  scores.voi_merge = information.merge;
  scores.voi_score = 1 / (1 + kVoiScale * (information.split + information.merge));
  if (options.topology) {
    scores.topo_score = topo_score(match_betti_in_octants(predicted, actual, shape, options.threads));
    scores.total =
        kTopoWeight * *scores.topo_score + kSurfaceWeight * scores.surface_dice + kVoiWeight * scores.voi_score;
  }
  return scores;
}

std::vector<double> volume_record(const VolumeScores& scores) {
  std::vector<double> record;
  for (const Score& score : kScores) {
    record.push_back(score.value(scores));
  }
  return record;
}

std::int64_t volume_record_length() { return static_cast<std::int64_t>(kScores.size()); }

std::map<std::string, double> summarise_volumes(std::span<const std::vector<double>> records) {
  std::map<std::string, double> means;
  for (std::size_t i = 0; i < kScores.size() && !records.empty(); ++i) {
    double sum = 0;
    for (const std::vector<double>& record : records) {
      sum += record[i];
    }
    if (!std::isnan(sum)) {
      means[kScores[i].name] = sum / static_cast<double>(records.size());
    }
  }
  return means;
}

}  // namespace lockstep::metrics
