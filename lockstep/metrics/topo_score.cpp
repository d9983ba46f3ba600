#include "lockstep/metrics/topo_score.h"

#include <array>
#include <cstddef>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/parallel_for.h"

namespace lockstep::metrics {
namespace {

/// A box within a volume.
struct Box {
  std::array<std::int64_t, 3> first;
  media::VolumeShape shape;
};

std::vector<Box> octants(const media::VolumeShape& shape) {
  const std::array<std::int64_t, 3> sides{shape.depth, shape.height, shape.width};
  std::vector<Box> boxes;
  for (unsigned octant = 0; octant < 8; ++octant) {
    std::array<std::int64_t, 3> first{};
    std::array<std::int64_t, 3> size{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::int64_t half = (sides[axis] + 1) / 2;
      const bool is_second = (octant >> axis & 1) != 0;
      first[axis] = is_second ? half : 0;
      size[axis] = is_second ? sides[axis] - half : half;
    }
    const Box box{first, {size[0], size[1], size[2]}};
    if (box.shape.voxels() > 0) {
      boxes.push_back(box);
    }
  }
  return boxes;
}

std::vector<std::uint8_t> cut_out(std::span<const std::uint8_t> volume, const media::VolumeShape& shape,
                                  const Box& box) {
  std::vector<std::uint8_t> part;
  part.reserve(static_cast<std::size_t>(box.shape.voxels()));
  for (std::int64_t z = 0; z < box.shape.depth; ++z) {
    for (std::int64_t y = 0; y < box.shape.height; ++y) {
      const std::span<const std::uint8_t> row = volume.subspan(
          shape.at(box.first[0] + z, box.first[1] + y, box.first[2]), static_cast<std::size_t>(box.shape.width));
      part.insert(part.end(), row.begin(), row.end());
    }
  }
  return part;
}

}  // namespace

BettiMatching match_betti_in_octants(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                                     const media::VolumeShape& shape, int threads) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(prediction.size()) == shape.voxels() && prediction.size() == truth.size(),
                  "both volumes have the shape");
  const std::vector<Box> boxes = octants(shape);
  std::vector<BettiMatching> counts(boxes.size());
  parallel_for(boxes.size(), threads, [&](std::size_t i) {
    counts[i] = match_betti(cut_out(prediction, shape, boxes[i]), cut_out(truth, shape, boxes[i]), boxes[i].shape);
  });
  BettiMatching sum;
  for (const BettiMatching& of_box : counts) {
    for (std::size_t dimension = 0; dimension < sum.size(); ++dimension) {
      sum[dimension].matched += of_box[dimension].matched;
      sum[dimension].predicted += of_box[dimension].predicted;
      sum[dimension].actual += of_box[dimension].actual;
    }
  }
  return sum;
}

double topo_score(const BettiMatching& counts) {
  constexpr std::array kWeights{0.34, 0.33, 0.33};
  double score = 0;
  double weight = 0;
  for (std::size_t dimension = 0; dimension < counts.size(); ++dimension) {
    const BettiCounts& features = counts[dimension];
    const auto both = static_cast<double>(features.predicted + features.actual);
    if (both == 0) {
      continue;
    }
    const double f1 = features.actual > 0 ? 2 * static_cast<double>(features.matched) / both : 0.5 / (0.5 + both);
    score += kWeights[dimension] * f1;
    weight += kWeights[dimension];
  }
  return weight > 0 ? score / weight : 1;
}

}  // namespace lockstep::metrics
