#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/data/volume.h"
#include "lockstep/media/volume.h"

namespace lockstep::data {

/// The values of labels.
inline constexpr std::uint8_t kBackground = 0;
inline constexpr std::uint8_t kSurface = 1;
inline constexpr std::uint8_t kIgnore = 2;  ///< neither learnt from nor scored

/// Finds voxels of the surface, and voxels that are not to be ignored, by number: it knows how many there are in each
/// small block of a slice, and looks for the one in its block. It takes about 1/500 of the memory of the labels.
class LabelIndex {
 public:
  static constexpr std::int64_t kBlock = 64;  ///< blocks are (1, kBlock, kBlock) voxels

  explicit LabelIndex(const media::VolumeShape& shape);

  /// Counts a slice, (height, width) uint8. Several threads may add different slices; all must be added before the rest
  /// is asked for.
  void add_slice(std::int64_t z, std::span<const std::uint8_t> labels);
  void finish();

  std::uint64_t surface_voxels() const { return surface_.slices.back(); }
  std::uint64_t known_voxels() const { return known_.slices.back(); }  ///< all but those to ignore

  /// The place of the number-th of them, from 0. `labels` is what was added.
  Place find_surface(std::uint64_t number, const Volume& labels) const;
  Place find_known(std::uint64_t number, const Volume& labels) const;

 private:
  /// How many voxels of a kind there are before the end of …
  struct Counts {
    std::vector<std::uint32_t> blocks;  ///< each block, in its slice
    std::vector<std::uint64_t> slices;  ///< each slice
  };

  template <typename IsCounted>
  void count(std::int64_t z, std::span<const std::uint8_t> labels, const IsCounted& is_counted, Counts& counts) const;
  template <typename IsCounted>
  Place find(std::uint64_t number, const Volume& labels, const IsCounted& is_counted, const Counts& counts) const;

  media::VolumeShape shape_;
  std::int64_t blocks_wide_;
  std::int64_t blocks_;  ///< in a slice
  Counts surface_;
  Counts known_;
};

}  // namespace lockstep::data
