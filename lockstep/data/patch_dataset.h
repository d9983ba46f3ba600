#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/axis_turn.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/patch_options.h"
#include "lockstep/data/volume_store.h"
#include "lockstep/data/voxel_changes.h"

namespace lockstep::data {

/// The fields of a patch, (D, H, W) its shape: "image" (D, H, W) uint8, or uint16 where any volume of the store has
/// that; "label" (D, H, W) uint8; "finish", a PatchFinish as bytes; "place" (4) int64, {volume of the store, z, y, x},
/// the place in the volume of the patch's first voxel before it was turned.
enum PatchField : std::size_t { kImageField, kLabelField, kFinishField, kPlaceField };

std::vector<Field> patch_layout(const VolumeStore& store, const media::VolumeShape& patch);

/// Fills the last two fields.
void write_patch_facts(const StoredVolume& volume, std::size_t number, const Place& origin, const SampleSlot& slot);

/// The intensity of what is outside of a volume: its mean, which becomes 0 (but for rounding).
template <typename Voxel>
Voxel outside_of(const StoredVolume& volume) {
  return static_cast<Voxel>(std::lround(volume.intensities.mean));
}

/// Random patches of volumes. Sample i is of volume i modulo their number; where in it, and how it is turned and
/// changed, is a function of the draw.
///
/// A patch that is to show the surface has a voxel of it, any with the same chance, in its middle; the others have any
/// place, or, in a volume with voxels to ignore, any voxel in the middle that is not one of them. Then the patch is
/// moved into the volume. Along an axis where the volume is thinner than the patch it lies in the middle; what is
/// outside of it has the label kIgnore and the volume's mean intensity, which becomes 0.
///
/// With PatchOptions::zoom some patches are boxes of other sides, placed by these rules and brought to the patch's
/// shape: linear in intensities, by the nearest voxel in labels.
class PatchDataset : public Dataset {
 public:
  /// Of these volumes of the store, which must have labels. The store must outlive the dataset.
  PatchDataset(const VolumeStore& store, std::vector<std::size_t> volumes, const PatchOptions& options);

  std::size_t size() const override { return samples_; }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override;
  void load(const Draw& draw, const SampleSlot& slot) const override;

  /// The voxels of the patch of a draw whose label is not kIgnore. It costs next to nothing in a volume without such
  /// labels, else as much as to read the patch's labels.
  std::int64_t known_voxels(const Draw& draw) const;

 private:
  /// What becomes a patch, and how.
  struct Cut {
    std::size_t volume;  ///< of the store
    Place origin;
    media::VolumeShape box;  ///< the patch's shape, unless it is zoomed
    AxisTurn turn;
    VoxelChange change;
  };

  Cut decide(const Draw& draw) const;

  template <typename Voxel>
  void load_image(const Cut& cut, const Draw& draw, std::span<Voxel> target) const;

  const VolumeStore& store_;
  std::vector<std::size_t> volumes_;
  PatchOptions options_;
  std::vector<Field> layout_;
  std::vector<AxisTurn> turns_;
  std::size_t samples_;
};

}  // namespace lockstep::data
