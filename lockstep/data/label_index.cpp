#include "lockstep/data/label_index.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "lockstep/base/error.h"

namespace lockstep::data {
namespace {

constexpr auto kIsSurface = [](std::uint8_t label) { return label == kSurface; };
constexpr auto kIsKnown = [](std::uint8_t label) { return label != kIgnore; };

constexpr std::int64_t blocks_of(std::int64_t side) { return (side + LabelIndex::kBlock - 1) / LabelIndex::kBlock; }

}  // namespace

LabelIndex::LabelIndex(const media::VolumeShape& shape)
    : shape_(shape), blocks_wide_(blocks_of(shape.width)), blocks_(blocks_wide_ * blocks_of(shape.height)) {
  for (Counts* counts : {&surface_, &known_}) {
    counts->blocks.resize(static_cast<std::size_t>(blocks_ * shape.depth));
    counts->slices.resize(static_cast<std::size_t>(shape.depth));
  }
}

template <typename IsCounted>
void LabelIndex::count(std::int64_t z, std::span<const std::uint8_t> labels, const IsCounted& is_counted,
                       Counts& counts) const {
  const std::span<std::uint32_t> blocks =
      std::span(counts.blocks).subspan(static_cast<std::size_t>(z * blocks_), static_cast<std::size_t>(blocks_));
  for (std::int64_t y = 0; y < shape_.height; ++y) {
    const std::uint8_t* row = labels.data() + y * shape_.width;
    std::uint32_t* block = blocks.data() + y / kBlock * blocks_wide_;
    for (std::int64_t x = 0; x < shape_.width; x += kBlock, ++block) {
      *block +=
          static_cast<std::uint32_t>(std::count_if(row + x, row + std::min(x + kBlock, shape_.width), is_counted));
    }
  }
  std::partial_sum(blocks.begin(), blocks.end(), blocks.begin());
  counts.slices[static_cast<std::size_t>(z)] = blocks.back();
}

void LabelIndex::add_slice(std::int64_t z, std::span<const std::uint8_t> labels) {
  count(z, labels, kIsSurface, surface_);
  count(z, labels, kIsKnown, known_);
}

void LabelIndex::finish() {
  for (Counts* counts : {&surface_, &known_}) {
    std::partial_sum(counts->slices.begin(), counts->slices.end(), counts->slices.begin());
  }
}

template <typename IsCounted>
Place LabelIndex::find(std::uint64_t number, const Volume& labels, const IsCounted& is_counted,
                       const Counts& counts) const {
  LOCKSTEP_ASSERT(number < counts.slices.back(), "there are not so many voxels");
  const auto slice = std::ranges::upper_bound(counts.slices, number);
  const std::int64_t z = slice - counts.slices.begin();
  number -= slice == counts.slices.begin() ? 0 : *(slice - 1);
  const auto first = counts.blocks.begin() + z * blocks_;
  const auto block = std::upper_bound(first, first + blocks_, number);
  number -= block == first ? 0 : *(block - 1);

  const std::int64_t place = block - first;
  const Place corner{z, place / blocks_wide_ * kBlock, place % blocks_wide_ * kBlock};
  std::array<std::uint8_t, kBlock * kBlock> voxels;
  labels.read(corner, {1, kBlock, kBlock}, kIgnore, voxels);  // what is outside of the volume counts as nothing
  for (std::int64_t i = 0; i < kBlock * kBlock; ++i) {
    if (is_counted(voxels[static_cast<std::size_t>(i)]) && number-- == 0) {
      return {z, corner.y + i / kBlock, corner.x + i % kBlock};
    }
  }
  LOCKSTEP_ASSERT(false, "the labels are others than those that were counted");
}

Place LabelIndex::find_surface(std::uint64_t number, const Volume& labels) const {
  return find(number, labels, kIsSurface, surface_);
}

Place LabelIndex::find_known(std::uint64_t number, const Volume& labels) const {
  return find(number, labels, kIsKnown, known_);
}

}  // namespace lockstep::data
