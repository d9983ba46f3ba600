#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/data/dataset.h"
#include "lockstep/data/patch_dataset.h"
#include "lockstep/data/volume_store.h"

namespace lockstep::data {

struct TileOptions {
  media::VolumeShape patch{64, 128, 128};
  std::int64_t context = 0;  ///< voxels that are not scored at borders between tiles: they only surround what is

  void validate() const;
};

/// A part of a volume, of the patch's shape.
struct Tile {
  std::size_t volume = 0;     ///< of the store
  Place origin;               ///< of the first voxel; before the volume's where that is thinner than the patch
  Place scored;               ///< the first voxel that counts …
  media::VolumeShape counts;  ///< … and how many there are along each axis
};

/// Patches that cover volumes: every voxel has its label in one tile, and kIgnore in others that it is in; so what is
/// counted in tiles can be added up. Fields as those of PatchDataset, intensities as they are. Every epoch is the same.
/// Tiles lie inside of the volume, but where that is thinner than the patch, as a patch does.
class TileDataset : public Dataset {
 public:
  /// Of these volumes of the store, which must have labels. The store must outlive the dataset.
  TileDataset(const VolumeStore& store, const std::vector<std::size_t>& volumes, const TileOptions& options);

  /// Tiles of one volume stand next to each other.
  const Tile& tile(std::size_t index) const { return tiles_.at(index); }

  std::size_t size() const override { return tiles_.size(); }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override;
  void load(const Draw& draw, const SampleSlot& slot) const override;

 private:
  const VolumeStore& store_;
  TileOptions options_;
  std::vector<Field> layout_;
  std::vector<Tile> tiles_;
};

}  // namespace lockstep::data
