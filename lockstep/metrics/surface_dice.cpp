#include "lockstep/metrics/surface_dice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/metrics/share_out.h"
#include "lockstep/metrics/volume_distance.h"

namespace lockstep::metrics {
namespace {

/// Which of the eight voxels around a corner are foreground, one bit each: bit 4 dz + 2 dy + dx for a voxel that is
/// dz, dy, dx steps before the corner.
using Code = std::uint8_t;
constexpr unsigned kInside = 0xff;
constexpr std::size_t kCodes = 256;

/// Those of `voxels` that are joined with the voxel of the lowest bit over shared faces.
unsigned lowest_group(unsigned voxels) {
  unsigned group = voxels & (~voxels + 1);
  for (unsigned grown = 0; grown != group;) {
    grown = group;
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((grown >> bit & 1) != 0) {
        group |= voxels & (1U << (bit ^ 1) | 1U << (bit ^ 2) | 1U << (bit ^ 4));
      }
    }
  }
  return group;
}

/// The area, in voxel faces, that marching cubes cuts off around a group of at most four voxels joined over faces.
double area_of_group(unsigned group) {
  constexpr double kTriangle = 0.21650635094610965;   // sqrt(3) / 8: one corner cut off
  constexpr double kRectangle = 0.70710678118654757;  // sqrt(1/2): one edge cut off
  switch (std::popcount(group)) {
    case 1:
      return kTriangle;
    case 2:
      return kRectangle;
    case 3:
      return 0.5 + 3 * kTriangle;
    default:
      break;
  }
  int most_neighbours = 0;
  int pairs = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((group >> bit & 1) != 0) {
      const int neighbours = std::popcount(group & (1U << (bit ^ 1) | 1U << (bit ^ 2) | 1U << (bit ^ 4)));
      most_neighbours = std::max(most_neighbours, neighbours);
      pairs += neighbours;
    }
  }
  if (pairs == 8) {
    return 1;  // a square of four: a flat surface
  }
  return most_neighbours == 3 ? 6 * kTriangle : kRectangle + 4 * kTriangle;
}

/// The area of the surface element of each code.
std::array<double, kCodes> make_areas() {
  std::array<double, kCodes> areas{};
  for (unsigned code = 0; code < kCodes; ++code) {
    // Both sides see the same surface: it is measured around the fewer voxels.
    for (unsigned rest = std::popcount(code) <= 4 ? code : kInside & ~code; rest != 0; rest &= ~lowest_group(rest)) {
      areas[code] += area_of_group(lowest_group(rest));
    }
  }
  return areas;
}

bool is_surface(Code code) { return code != 0 && code != kInside; }

/// The codes of all corners: (depth + 1, height + 1, width + 1).
std::vector<Code> corner_codes(std::span<const std::uint8_t> volume, const media::VolumeShape& shape,
                               const media::VolumeShape& corners, int threads) {
  std::vector<Code> codes(static_cast<std::size_t>(corners.voxels()));
  const std::vector<std::uint8_t> outside(static_cast<std::size_t>(shape.width), 0);
  const auto row = [&](std::int64_t z, std::int64_t y) {
    const bool is_inside = z >= 0 && z < shape.depth && y >= 0 && y < shape.height;
    return is_inside ? &volume[shape.at(z, y, 0)] : outside.data();
  };
  share_out(threads, corners.depth, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t z = begin; z < end; ++z) {
      for (std::int64_t y = 0; y < corners.height; ++y) {
        const std::array rows{row(z, y), row(z, y - 1), row(z - 1, y), row(z - 1, y - 1)};
        Code* to = &codes[corners.at(z, y, 0)];
        unsigned before = 0;
        for (std::int64_t x = 0; x < shape.width; ++x) {
          unsigned here = 0;
          for (unsigned i = 0; i < rows.size(); ++i) {
            here |= (rows[i][x] != 0 ? 1U : 0U) << (2 * i);
          }
          to[x] = static_cast<Code>(here | before << 1);
          before = here;
        }
        to[shape.width] = static_cast<Code>(before << 1);
      }
    }
  });
  return codes;
}

using Counts = std::array<std::int64_t, kCodes>;

double area_of(const Counts& counts) {
  static const std::array<double, kCodes> areas = make_areas();
  double area = 0;
  for (std::size_t code = 0; code < kCodes; ++code) {
    area += static_cast<double>(counts[code]) * areas[code];
  }
  return area;
}

/// The area of one surface that is near the other, and its whole area.
std::pair<double, double> near_and_whole(const std::vector<Code>& surface, const std::vector<Code>& other,
                                         const media::VolumeShape& corners, double tolerance, int threads) {
  std::vector<std::uint8_t> marked(other.size());
  std::transform(other.begin(), other.end(), marked.begin(), is_surface);
  const auto limit = static_cast<std::int32_t>(std::min(tolerance * tolerance, static_cast<double>(kFar - 1)));
  const std::vector<std::int32_t> distances = squared_distances(marked, corners, limit, threads);
  Counts near{};
  Counts whole{};
  for (std::size_t i = 0; i < surface.size(); ++i) {
    if (is_surface(surface[i])) {
      whole[surface[i]] += 1;
      near[surface[i]] += distances[i] <= limit ? 1 : 0;
    }
  }
  return {area_of(near), area_of(whole)};
}

}  // namespace

double surface_dice(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                    const media::VolumeShape& shape, double tolerance, int threads) {
  LOCKSTEP_ASSERT(static_cast<std::int64_t>(prediction.size()) == shape.voxels() && prediction.size() == truth.size(),
                  "both volumes have the shape");
  const media::VolumeShape corners{shape.depth + 1, shape.height + 1, shape.width + 1};
  const std::vector<Code> predicted = corner_codes(prediction, shape, corners, threads);
  const std::vector<Code> actual = corner_codes(truth, shape, corners, threads);
  const bool has_predicted = std::any_of(predicted.begin(), predicted.end(), is_surface);
  const bool has_actual = std::any_of(actual.begin(), actual.end(), is_surface);
  if (!has_predicted || !has_actual) {
    return has_predicted == has_actual ? 1 : 0;
  }
  const auto [near_predicted, whole_predicted] = near_and_whole(predicted, actual, corners, tolerance, threads);
  const auto [near_actual, whole_actual] = near_and_whole(actual, predicted, corners, tolerance, threads);
  return (near_predicted + near_actual) / (whole_predicted + whole_actual);
}

}  // namespace lockstep::metrics
