#include "lockstep/data/patch_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/voxel_changes.h"

namespace lockstep::data {
namespace {

constexpr std::uint64_t kSamplesAVolume = 16;

/// Where a patch begins along an axis, if its middle is to be at `middle`: inside of the volume, or around it.
std::int64_t begin_around(std::int64_t middle, std::int64_t patch, std::int64_t side) {
  return side <= patch ? -((patch - side) / 2) : std::clamp<std::int64_t>(middle - patch / 2, 0, side - patch);
}

Place origin_around(const Place& middle, const media::VolumeShape& patch, const media::VolumeShape& volume) {
  return {begin_around(middle.z, patch.depth, volume.depth), begin_around(middle.y, patch.height, volume.height),
          begin_around(middle.x, patch.width, volume.width)};
}

std::int64_t any_begin(std::int64_t patch, std::int64_t side, RandomStream& random) {
  return side <= patch ? begin_around(0, patch, side)
                       : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(side - patch + 1)));
}

Place draw_origin(const StoredVolume& volume, const PatchOptions& options, RandomStream& random) {
  const media::VolumeShape& shape = volume.image.shape();
  const LabelIndex& index = *volume.index;
  const bool wants_surface = random.chance(options.foreground_share);
  if (wants_surface && index.surface_voxels() > 0) {
    const Place middle = index.find_surface(random.below(index.surface_voxels()), *volume.label);
    return origin_around(middle, options.patch, shape);
  }
  const auto voxels = static_cast<std::uint64_t>(shape.voxels());
  if (index.known_voxels() > 0 && index.known_voxels() < voxels) {
    const Place middle = index.find_known(random.below(index.known_voxels()), *volume.label);
    return origin_around(middle, options.patch, shape);
  }
  // One after the other: in which order a compiler evaluates arguments is its own affair.
  const std::int64_t z = any_begin(options.patch.depth, shape.depth, random);
  const std::int64_t y = any_begin(options.patch.height, shape.height, random);
  return {z, y, any_begin(options.patch.width, shape.width, random)};
}

/// Reads a box as it is, or turned by way of memory that is used again.
template <typename Voxel>
void read_turned(const Volume& volume, const Place& origin, const media::VolumeShape& patch, Voxel outside,
                 const AxisTurn& turn, std::span<Voxel> target) {
  if (turn == AxisTurn{}) {
    volume.read(origin, patch, outside, target);
    return;
  }
  thread_local std::vector<Voxel> box;
  box.resize(target.size());
  volume.read(origin, patch, outside, std::span(box));
  turn_voxels(std::span<const Voxel>(box), patch, turn, target);
}

template <typename Voxel>
void load_voxels(const StoredVolume& volume, const Place& origin, const media::VolumeShape& patch, const AxisTurn& turn,
                 const VoxelChange& change, const Draw& draw, std::span<Voxel> target) {
  {
    const WorkScope work("cut");
    read_turned(volume.image, origin, patch, outside_of<Voxel>(volume), turn, target);
  }
  const WorkScope work("change");
  constexpr std::uint32_t kNoise = 1;  // beside the numbers of Draw::augmentation
  change_voxels(change, volume.intensities, {draw.seed, Purpose::kAugment, draw.epoch, draw.position, kNoise}, target);
}

}  // namespace

std::vector<Field> patch_layout(const VolumeStore& store, const media::VolumeShape& patch) {
  DType type = DType::kUInt8;
  for (std::size_t i = 0; i < store.size(); ++i) {
    type = store[i].image.type() == media::VoxelType::kUInt16 ? DType::kUInt16 : type;
  }
  const std::vector<std::int64_t> shape{patch.depth, patch.height, patch.width};
  return {{"image", type, shape},
          {"label", DType::kUInt8, shape},
          {"finish", DType::kUInt8, {sizeof(PatchFinish)}},
          {"place", DType::kInt64, {4}}};
}

void write_patch_facts(const StoredVolume& volume, std::size_t number, const Place& origin, const SampleSlot& slot) {
  std::memcpy(slot.fields[kFinishField].data(), &volume.finish, sizeof(PatchFinish));
  const std::int64_t place[4] = {static_cast<std::int64_t>(number), origin.z, origin.y, origin.x};
  std::memcpy(slot.fields[kPlaceField].data(), place, sizeof(place));
}

PatchDataset::PatchDataset(const VolumeStore& store, std::vector<std::size_t> volumes, const PatchOptions& options)
    : store_(store),
      volumes_(std::move(volumes)),
      options_(options),
      layout_(patch_layout(store, options.patch)),
      turns_(turns_of(options.augment ? options.symmetries : Symmetries::kNone, options.patch)),
      samples_(options.samples_per_epoch.value_or(kSamplesAVolume * volumes_.size())) {
  options_.validate();
  LOCKSTEP_ASSERT(!volumes_.empty(), "patches of no volumes");
  for (const std::size_t volume : volumes_) {
    LOCKSTEP_ASSERT(store_[volume].label.has_value(), "patches of a volume without labels");
  }
}

std::string PatchDataset::name(std::size_t index) const {
  return text("a patch of ", store_[volumes_[index % volumes_.size()]].image.name());
}

void PatchDataset::load(const Draw& draw, const SampleSlot& slot) const {
  const std::size_t number = volumes_[draw.index % volumes_.size()];
  const StoredVolume& volume = store_[number];
  RandomStream random = draw.augmentation();
  const Place origin = draw_origin(volume, options_, random);
  const AxisTurn& turn = turns_[random.below(turns_.size())];
  const VoxelChange change = options_.augment ? draw_change(options_.changes, random) : VoxelChange{};
  if (layout_[kImageField].dtype == DType::kUInt16) {
    load_voxels(volume, origin, options_.patch, turn, change, draw, slot.field<std::uint16_t>(kImageField));
  } else {
    load_voxels(volume, origin, options_.patch, turn, change, draw, slot.field<std::uint8_t>(kImageField));
  }
  const WorkScope work("cut");
  read_turned(*volume.label, origin, options_.patch, kIgnore, turn, slot.field<std::uint8_t>(kLabelField));
  write_patch_facts(volume, number, origin, slot);
}

}  // namespace lockstep::data
