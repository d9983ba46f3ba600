#include "lockstep/data/patch_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/zoom.h"

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

/// Whether any voxel is not decided.
bool has_unknown(const StoredVolume& volume) {
  return volume.index->known_voxels() < static_cast<std::uint64_t>(volume.image.shape().voxels());
}

Place draw_origin(const StoredVolume& volume, const media::VolumeShape& box, double foreground_share,
                  RandomStream& random) {
  const media::VolumeShape& shape = volume.image.shape();
  const LabelIndex& index = *volume.index;
  const bool wants_surface = random.chance(foreground_share);
  if (wants_surface && index.surface_voxels() > 0) {
    const Place middle = index.find_surface(random.below(index.surface_voxels()), *volume.label);
    return origin_around(middle, box, shape);
  }
  if (index.known_voxels() > 0 && has_unknown(volume)) {
    const Place middle = index.find_known(random.below(index.known_voxels()), *volume.label);
    return origin_around(middle, box, shape);
  }
  // One after the other: in which order a compiler evaluates arguments is its own affair.
  const std::int64_t z = any_begin(box.depth, shape.depth, random);
  const std::int64_t y = any_begin(box.height, shape.height, random);
  return {z, y, any_begin(box.width, shape.width, random)};
}

/// A side of what becomes a patch, as often below the patch's as above.
std::int64_t zoomed_side(std::int64_t side, double most, RandomStream& random) {
  const double octaves = std::log2(1 + most);
  const double length = static_cast<double>(side) * std::exp2(random.uniform(-octaves, octaves));
  return std::max<std::int64_t>(1, std::lround(length));
}

media::VolumeShape draw_box(const media::VolumeShape& patch, const ZoomChange& zoom, RandomStream& random) {
  if (zoom.most == 0 || !random.chance(zoom.chance)) {
    return patch;
  }
  const std::int64_t depth = zoomed_side(patch.depth, zoom.most, random);
  const std::int64_t height = zoomed_side(patch.height, zoom.most, random);
  return {depth, height, zoomed_side(patch.width, zoom.most, random)};
}

/// Memory of the calling thread that is used again.
template <typename Voxel, int kNumber>
std::span<Voxel> scratch(std::int64_t voxels) {
  thread_local std::vector<Voxel> memory;
  memory.resize(static_cast<std::size_t>(voxels));
  return memory;
}

/// Reads a box and brings it to the shape of the patch by `zoom`.
template <typename Voxel, typename Zoom>
void read_zoomed(const Volume& volume, const Place& origin, const media::VolumeShape& box,
                 const media::VolumeShape& patch, Voxel outside, const Zoom& zoom, std::span<Voxel> target) {
  if (box == patch) {
    volume.read(origin, patch, outside, target);
    return;
  }
  const std::span<Voxel> voxels = scratch<Voxel, 0>(box.voxels());
  volume.read(origin, box, outside, voxels);
  zoom(std::span<const Voxel>(voxels), box, target, patch);
}

/// The same, turned.
template <typename Voxel, typename Zoom>
void read_patch(const Volume& volume, const Place& origin, const media::VolumeShape& box,
                const media::VolumeShape& patch, Voxel outside, const Zoom& zoom, const AxisTurn& turn,
                std::span<Voxel> target) {
  if (turn == AxisTurn{}) {
    read_zoomed(volume, origin, box, patch, outside, zoom, target);
    return;
  }
  const std::span<Voxel> straight = scratch<Voxel, 1>(patch.voxels());
  read_zoomed(volume, origin, box, patch, outside, zoom, straight);
  turn_voxels(std::span<const Voxel>(straight), patch, turn, target);
}

constexpr auto kZoomVoxels = [](auto... arguments) { zoom_voxels(arguments...); };
constexpr auto kZoomLabels = [](auto... arguments) { zoom_labels(arguments...); };

/// How many voxels of a patch lie in the volume, along one axis.
std::int64_t count_inside(std::int64_t origin, std::int64_t box, std::int64_t patch, std::int64_t side) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < patch; ++i) {
    const std::int64_t place = origin + nearest_place(i, box, patch);
    count += place >= 0 && place < side ? 1 : 0;
  }
  return count;
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

PatchDataset::Cut PatchDataset::decide(const Draw& draw) const {
  Cut cut{volumes_[draw.index % volumes_.size()], {}, options_.patch, {}, {}};
  RandomStream random = draw.augmentation();
  if (options_.augment) {
    cut.box = draw_box(options_.patch, options_.zoom, random);
  }
  cut.origin = draw_origin(store_[cut.volume], cut.box, options_.foreground_share, random);
  cut.turn = turns_[random.below(turns_.size())];
  if (options_.augment) {
    cut.change = draw_change(options_.changes, random);
  }
  return cut;
}

template <typename Voxel>
void PatchDataset::load_image(const Cut& cut, const Draw& draw, std::span<Voxel> target) const {
  const StoredVolume& volume = store_[cut.volume];
  {
    const WorkScope work("cut");
    read_patch(volume.image, cut.origin, cut.box, options_.patch, outside_of<Voxel>(volume), kZoomVoxels, cut.turn,
               target);
  }
  const WorkScope work("change");
  constexpr std::uint32_t kNoise = 1;  // beside the numbers of Draw::augmentation
  change_voxels(cut.change, volume.intensities, {draw.seed, Purpose::kAugment, draw.epoch, draw.position, kNoise},
                target);
}

void PatchDataset::load(const Draw& draw, const SampleSlot& slot) const {
  const Cut cut = decide(draw);
  if (layout_[kImageField].dtype == DType::kUInt16) {
    load_image(cut, draw, slot.field<std::uint16_t>(kImageField));
  } else {
    load_image(cut, draw, slot.field<std::uint8_t>(kImageField));
  }
  const WorkScope work("cut");
  read_patch(*store_[cut.volume].label, cut.origin, cut.box, options_.patch, kIgnore, kZoomLabels, cut.turn,
             slot.field<std::uint8_t>(kLabelField));
  write_patch_facts(store_[cut.volume], cut.volume, cut.origin, slot);
}

std::int64_t PatchDataset::known_voxels(const Draw& draw) const {
  const Cut cut = decide(draw);
  const StoredVolume& volume = store_[cut.volume];
  const media::VolumeShape& patch = options_.patch;
  if (!has_unknown(volume)) {
    const media::VolumeShape& shape = volume.image.shape();
    return count_inside(cut.origin.z, cut.box.depth, patch.depth, shape.depth) *
           count_inside(cut.origin.y, cut.box.height, patch.height, shape.height) *
           count_inside(cut.origin.x, cut.box.width, patch.width, shape.width);
  }
  const std::span<std::uint8_t> labels = scratch<std::uint8_t, 1>(patch.voxels());
  read_zoomed(*volume.label, cut.origin, cut.box, patch, kIgnore, kZoomLabels, labels);
  return patch.voxels() - std::ranges::count(labels, kIgnore);
}

}  // namespace lockstep::data
