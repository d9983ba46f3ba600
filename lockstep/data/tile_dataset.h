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
  std::int64_t context = 0;  ///< voxels at each border of a tile that only surround what is scored, along axes where a
                             ///< volume is larger than the patch

  void validate() const;
};

/// A part of a volume. Its first voxel may lie before that of the volume.
struct Tile {
  std::size_t volume = 0;  ///< of the store
  Place origin;
};

/// Patches that cover volumes: every voxel is in one tile with its label and, as context or outside of the volume, in
/// any number of them with kIgnore; so what tiles count can be added up. Fields as those of PatchDataset. Every epoch
/// is the same.
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
