#pragma once

#include <array>
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
inline constexpr std::size_t kLabels = 3;

/// Finds voxels of a label by number, without a list of all of them: counts by small blocks of slices.
class LabelIndex {
 public:
  static constexpr std::int64_t kBlock = 64;  ///< blocks are (1, kBlock, kBlock) voxels

  explicit LabelIndex(const media::VolumeShape& shape);

  /// Counts the voxels of a slice, (height, width) uint8 of known labels. Several threads may add different slices.
  void add_slice(std::int64_t z, std::span<const std::uint8_t> labels);

  /// To be called once all slices are there.
  void finish();

  /// How many voxels have that label.
  std::uint64_t count(std::uint8_t label) const;

  /// The place of the voxel that is `number`-th, from 0, of those with that label, of those with any label but kIgnore
  /// for find_known. `labels` is what was counted.
  Place find(std::uint8_t label, std::uint64_t number, const Volume& labels) const;
  Place find_known(std::uint64_t number, const Volume& labels) const;

 private:
  media::VolumeShape shape_;
  std::int64_t blocks_high_ = 0;
  std::int64_t blocks_wide_ = 0;
  std::array<std::vector<std::uint64_t>, 2> upto_;  ///< surface, known: voxels in the blocks up to and with each
};

}  // namespace lockstep::data
