#include "lockstep/metrics/betti_matching.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/metrics/components.h"
#include "lockstep/metrics/tunnels.h"
#include "lockstep/metrics/union_find.h"

namespace lockstep::metrics {
namespace {

using Volume = std::span<const std::uint8_t>;

/// Vertices - edges + squares - cubes.
std::int64_t euler_characteristic(Volume volume, const media::VolumeShape& shape) {
  const std::vector<std::uint8_t> outside(static_cast<std::size_t>(shape.width), 0);
  std::int64_t characteristic = 0;
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      const std::uint8_t* here = &volume[shape.at(z, y, 0)];
      const std::uint8_t* below = y + 1 < shape.height ? &volume[shape.at(z, y + 1, 0)] : outside.data();
      const std::uint8_t* behind = z + 1 < shape.depth ? &volume[shape.at(z + 1, y, 0)] : outside.data();
      const bool has_both = y + 1 < shape.height && z + 1 < shape.depth;
      const std::uint8_t* across = has_both ? &volume[shape.at(z + 1, y + 1, 0)] : outside.data();
      int before = 0;  // the cells across this row, at the voxel before
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const int vertex = here[x] != 0 ? 1 : 0;
        const int down = vertex != 0 && below[x] != 0 ? 1 : 0;
        const int back = vertex != 0 && behind[x] != 0 ? 1 : 0;
        const int square = down != 0 && back != 0 && across[x] != 0 ? 1 : 0;
        // The cells across the row, and their products with the edge to the voxel before.
        const int cells = vertex | down << 1 | back << 2 | square << 3;
        const int joined = cells & before;
        characteristic += vertex - down - back + square;
        characteristic -= (joined & 1) - (joined >> 1 & 1) - (joined >> 2 & 1) + (joined >> 3 & 1);
        before = cells;
      }
    }
  }
  return characteristic;
}

/// Joins the components of the union as the background fills in, edge by edge. A component that ends is matched where
/// both sides of the edge have voxels of both volumes.
std::int64_t matched_components(Volume prediction, Volume truth, Volume together, const media::VolumeShape& shape) {
  const Components components = connected_components(together, shape, Connectivity::kFaces);
  const auto count = static_cast<std::uint32_t>(components.count());
  constexpr unsigned kPredicted = 1;
  constexpr unsigned kActual = 2;
  std::vector<std::uint8_t> holds(count + together.size(), 0);  // components first, then background voxels
  const auto node = [&](std::size_t voxel) {
    return together[voxel] != 0 ? components.labels[voxel] - 1 : count + static_cast<std::uint32_t>(voxel);
  };
  for (std::size_t voxel = 0; voxel < together.size(); ++voxel) {
    if (together[voxel] != 0) {
      holds[node(voxel)] |= (prediction[voxel] != 0 ? kPredicted : 0) | (truth[voxel] != 0 ? kActual : 0);
    }
  }
  UnionFind sets(holds.size());
  std::int64_t matched = 0;
  std::int64_t left = count;
  const auto fill_edge = [&](std::size_t voxel, std::size_t neighbour) {
    if (together[voxel] != 0 && together[neighbour] != 0) {
      return;
    }
    const std::uint32_t a = sets.find(node(voxel));
    const std::uint32_t b = sets.find(node(neighbour));
    if (a == b) {
      return;
    }
    matched += (holds[a] & holds[b]) == (kPredicted | kActual) ? 1 : 0;
    left -= holds[a] != 0 && holds[b] != 0 ? 1 : 0;
    sets.unite(a, b);
    holds[std::min(a, b)] |= holds[std::max(a, b)];
  };
  for (std::int64_t z = 0; z < shape.depth && left > 1; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const std::size_t voxel = shape.at(z, y, x);
        if (z + 1 < shape.depth) {
          fill_edge(voxel, shape.at(z + 1, y, x));
        }
        if (y + 1 < shape.height) {
          fill_edge(voxel, shape.at(z, y + 1, x));
        }
        if (x + 1 < shape.width) {
          fill_edge(voxel, voxel + 1);
        }
      }
    }
  }
  return matched;
}

/// The components of the background; those that do not reach the border of the volume are cavities.
struct Background {
  Background(Volume volume, const media::VolumeShape& shape) {
    std::vector<std::uint8_t> empty(volume.size());
    std::transform(volume.begin(), volume.end(), empty.begin(), [](std::uint8_t value) { return value == 0 ? 1 : 0; });
    components = connected_components(empty, shape, Connectivity::kCorners);
    is_cavity.assign(components.sizes.size() + 1, true);
    is_cavity[0] = false;
    const auto visit = [this, &shape](std::int64_t z, std::int64_t y, std::int64_t x) {
      is_cavity[components.labels[shape.at(z, y, x)]] = false;
    };
    for (std::int64_t z = 0; z < shape.depth; ++z) {
      for (std::int64_t y = 0; y < shape.height; ++y) {
        const bool is_face = z == 0 || z + 1 == shape.depth || y == 0 || y + 1 == shape.height;
        for (std::int64_t x = 0; x < shape.width; x += is_face ? 1 : std::max<std::int64_t>(shape.width - 1, 1)) {
          visit(z, y, x);
        }
      }
    }
    cavities = std::count(is_cavity.begin(), is_cavity.end(), true);
  }

  Components components;
  std::vector<bool> is_cavity;  ///< by label
  std::int64_t cavities;
};

/// A cavity of a volume holds those of the union that lie in it; it lives on in the one that is filled last, the one
/// whose last voxel is last. Two cavities are matched where they live on in the same.
std::int64_t matched_cavities(const Background& predicted, const Background& actual, const Background& together) {
  const std::vector<std::uint32_t>& labels = together.components.labels;
  constexpr std::uint32_t kNone = 0;
  std::vector<std::uint32_t> lives_on[2] = {std::vector<std::uint32_t>(predicted.is_cavity.size(), kNone),
                                            std::vector<std::uint32_t>(actual.is_cavity.size(), kNone)};
  for (std::size_t voxel = 0; voxel < labels.size(); ++voxel) {
    if (together.is_cavity[labels[voxel]]) {
      lives_on[0][predicted.components.labels[voxel]] = labels[voxel];
      lives_on[1][actual.components.labels[voxel]] = labels[voxel];
    }
  }
  std::vector<int> claims(together.is_cavity.size(), 0);
  for (std::size_t i = 0; i < 2; ++i) {
    const Background& side = i == 0 ? predicted : actual;
    for (std::size_t label = 1; label < side.is_cavity.size(); ++label) {
      claims[lives_on[i][label]] += side.is_cavity[label] && lives_on[i][label] != kNone ? 1 : 0;
    }
  }
  return std::count(claims.begin(), claims.end(), 2);
}

}  // namespace

BettiMatching match_betti(Volume prediction, Volume truth, const media::VolumeShape& shape) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(prediction.size()) == shape.voxels() && prediction.size() == truth.size(),
                  "both volumes have the shape");
  if (shape.voxels() >= std::int64_t{1} << 29) {  // cells are numbered with 32 bits
    throw DataError(text("the topology of a volume of ", shape.voxels(), " voxels cannot be scored: 2^29 are too many"),
                    "score parts of it, or leave it out with --no-topology");
  }
  std::vector<std::uint8_t> together(truth.size());
  std::transform(prediction.begin(), prediction.end(), truth.begin(), together.begin(),
                 [](std::uint8_t a, std::uint8_t b) { return a != 0 || b != 0 ? 1 : 0; });
  const Background predicted(prediction, shape);
  const Background actual(truth, shape);
  const std::int64_t components[2] = {connected_components(prediction, shape, Connectivity::kFaces).count(),
                                      connected_components(truth, shape, Connectivity::kFaces).count()};
  BettiMatching counts;
  // The first component never ends, and is no feature that could be missed.
  counts[0] = {matched_components(prediction, truth, together, shape), std::max<std::int64_t>(components[0] - 1, 0),
               std::max<std::int64_t>(components[1] - 1, 0)};
  counts[1].predicted = components[0] + predicted.cavities - euler_characteristic(prediction, shape);
  counts[1].actual = components[1] + actual.cavities - euler_characteristic(truth, shape);
  if (counts[1].predicted > 0 && counts[1].actual > 0) {
    counts[1].matched = matched_tunnels(prediction, truth, together, shape);
  }
  counts[2] = {matched_cavities(predicted, actual, Background(together, shape)), predicted.cavities, actual.cavities};
  return counts;
}

}  // namespace lockstep::metrics
