#include "lockstep/data/zoom.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/simd.h"

namespace lockstep::data {
namespace {

/// What a voxel lies between, along an axis: (1 - share) of `low` and share of `high`.
struct Between {
  std::size_t low;
  std::size_t high;
  float share;
};

std::vector<Between> places_between(std::int64_t from, std::int64_t to) {
  std::vector<Between> places;
  for (std::int64_t i = 0; i < to; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double place = std::clamp(middle, 0.0, static_cast<double>(from - 1));
    const auto low = static_cast<std::int64_t>(place);
    places.push_back({static_cast<std::size_t>(low), static_cast<std::size_t>(std::min(low + 1, from - 1)),
                      static_cast<float>(place - static_cast<double>(low))});
  }
  return places;
}

template <typename Value>
inline void blend_values(const Value* __restrict low, const Value* __restrict high, float share, std::size_t count,
                         float* __restrict blended) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(low[i]);
    blended[i] = value + share * (static_cast<float>(high[i]) - value);
  }
}

LOCKSTEP_SIMD void blend(const std::uint8_t* low, const std::uint8_t* high, float share, std::size_t count,
                         float* blended) {
  blend_values(low, high, share, count, blended);
}

LOCKSTEP_SIMD void blend(const std::uint16_t* low, const std::uint16_t* high, float share, std::size_t count,
                         float* blended) {
  blend_values(low, high, share, count, blended);
}

LOCKSTEP_SIMD void blend(const float* low, const float* high, float share, std::size_t count, float* blended) {
  blend_values(low, high, share, count, blended);
}

void require_room(std::size_t source, const media::VolumeShape& from, std::size_t target,
                  const media::VolumeShape& to) {
  LOCKSTEP_ASSERT(
      static_cast<std::int64_t>(source) == from.voxels() && static_cast<std::int64_t>(target) == to.voxels(),
      "voxels of another shape");
}

/// Slices first, then rows, then voxels: most of the work is then on neighbours.
template <typename Voxel>
void zoom(std::span<const Voxel> source, const media::VolumeShape& from, std::span<Voxel> target,
          const media::VolumeShape& to) {
  require_room(source.size(), from, target.size(), to);
  const std::vector<Between> columns = places_between(from.width, to.width);
  const std::vector<Between> rows = places_between(from.height, to.height);
  const auto width = static_cast<std::size_t>(from.width);
  const auto slice_voxels = static_cast<std::size_t>(from.slice_voxels());
  thread_local std::vector<float> slice;
  thread_local std::vector<float> row;
  slice.resize(slice_voxels);
  row.resize(width);
  Voxel* voxel = target.data();
  for (const Between& z : places_between(from.depth, to.depth)) {
    blend(source.data() + z.low * slice_voxels, source.data() + z.high * slice_voxels, z.share, slice_voxels,
          slice.data());
    for (const Between& y : rows) {
      blend(slice.data() + y.low * width, slice.data() + y.high * width, y.share, width, row.data());
      for (const Between& x : columns) {
        *voxel++ = static_cast<Voxel>(row[x.low] + x.share * (row[x.high] - row[x.low]) + 0.5F);
      }
    }
  }
}

}  // namespace

void zoom_voxels(std::span<const std::uint8_t> source, const media::VolumeShape& from, std::span<std::uint8_t> target,
                 const media::VolumeShape& to) {
  zoom(source, from, target, to);
}

void zoom_voxels(std::span<const std::uint16_t> source, const media::VolumeShape& from, std::span<std::uint16_t> target,
                 const media::VolumeShape& to) {
  zoom(source, from, target, to);
}

void zoom_labels(std::span<const std::uint8_t> source, const media::VolumeShape& from, std::span<std::uint8_t> target,
                 const media::VolumeShape& to) {
  require_room(source.size(), from, target.size(), to);
  std::uint8_t* label = target.data();
  for (std::int64_t z = 0; z < to.depth; ++z) {
    for (std::int64_t y = 0; y < to.height; ++y) {
      const std::uint8_t* row =
          source.data() + from.at(nearest_place(z, from.depth, to.depth), nearest_place(y, from.height, to.height), 0);
      for (std::int64_t x = 0; x < to.width; ++x) {
        *label++ = row[nearest_place(x, from.width, to.width)];
      }
    }
  }
}

}  // namespace lockstep::data
