#include "lockstep/data/tile_dataset.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"

namespace lockstep::data {
namespace {

/// A tile along one axis: where it begins, and what counts of it.
struct Span {
  std::int64_t origin;
  std::int64_t begin;
  std::int64_t end;
};

/// Tiles are `patch - 2 * context` apart, the last one is moved back into the volume. Between two of them `context`
/// voxels of either do not count.
std::vector<Span> cover(std::int64_t side, std::int64_t patch, std::int64_t context) {
  if (side <= patch) {
    return {{-((patch - side) / 2), 0, side}};
  }
  const std::int64_t step = patch - 2 * context;
  const std::int64_t last = (side - patch + step - 1) / step;
  std::vector<Span> spans;
  for (std::int64_t i = 0; i <= last; ++i) {
    spans.push_back({std::min(i * step, side - patch), i == 0 ? 0 : i * step + context,
                     i == last ? side : (i + 1) * step + context});
  }
  return spans;
}

/// Everything but the part that counts becomes kIgnore.
void ignore_around(const Tile& tile, const media::VolumeShape& patch, std::span<std::uint8_t> labels) {
  const auto inside = [](std::int64_t place, std::int64_t first, std::int64_t count) {
    return place >= first && place < first + count;
  };
  const std::int64_t left = tile.scored.x - tile.origin.x;
  std::uint8_t* row = labels.data();
  for (std::int64_t z = 0; z < patch.depth; ++z) {
    for (std::int64_t y = 0; y < patch.height; ++y, row += patch.width) {
      if (inside(tile.origin.z + z, tile.scored.z, tile.counts.depth) &&
          inside(tile.origin.y + y, tile.scored.y, tile.counts.height)) {
        std::fill(row, row + left, kIgnore);
        std::fill(row + left + tile.counts.width, row + patch.width, kIgnore);
      } else {
        std::fill(row, row + patch.width, kIgnore);
      }
    }
  }
}

}  // namespace

void TileOptions::validate() const {
  validate_patch(patch);
  if (context < 0 || 2 * context >= std::min({patch.depth, patch.height, patch.width})) {
    throw UsageError(text("a context of ", context, " voxels leaves nothing of a patch of ", patch.depth, "x",
                          patch.height, "x", patch.width),
                     "give a context below half of the patch's shortest side, or a larger patch");
  }
}

TileDataset::TileDataset(const VolumeStore& store, const std::vector<std::size_t>& volumes, const TileOptions& options)
    : store_(store), options_(options), layout_(patch_layout(store, options.patch)) {
  options_.validate();
  for (const std::size_t number : volumes) {
    LOCKSTEP_ASSERT(store_[number].label.has_value(), "tiles of a volume without labels");
    const media::VolumeShape& shape = store_[number].image.shape();
    for (const Span& z : cover(shape.depth, options_.patch.depth, options_.context)) {
      for (const Span& y : cover(shape.height, options_.patch.height, options_.context)) {
        for (const Span& x : cover(shape.width, options_.patch.width, options_.context)) {
          tiles_.push_back({number,
                            {z.origin, y.origin, x.origin},
                            {z.begin, y.begin, x.begin},
                            {z.end - z.begin, y.end - y.begin, x.end - x.begin}});
        }
      }
    }
  }
}

std::string TileDataset::name(std::size_t index) const {
  return text("a tile of ", store_[tile(index).volume].image.name());
}

void TileDataset::load(const Draw& draw, const SampleSlot& slot) const {
  const WorkScope work("cut");
  const Tile& part = tile(draw.index);
  const StoredVolume& volume = store_[part.volume];
  if (layout_[kImageField].dtype == DType::kUInt16) {
    volume.image.read(part.origin, options_.patch, outside_of<std::uint16_t>(volume),
                      slot.field<std::uint16_t>(kImageField));
  } else {
    volume.image.read(part.origin, options_.patch, outside_of<std::uint8_t>(volume),
                      slot.field<std::uint8_t>(kImageField));
  }
  const std::span<std::uint8_t> labels = slot.field<std::uint8_t>(kLabelField);
  volume.label->read(part.origin, options_.patch, kIgnore, labels);
  ignore_around(part, options_.patch, labels);
  write_patch_facts(volume, part.volume, part.origin, slot);
}

}  // namespace lockstep::data
