// Any bytes must end in a volume of the right size or in a DataError, and a slice must have the bits that it has among
// the others; so must a slice that is said to be raw.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/media/tiff.h"

namespace {

using namespace lockstep;

/// So that each input is done within milliseconds.
constexpr std::uint64_t kMaxFuzzedBytes = 1 << 18;
constexpr std::int64_t kMaxFuzzedPages = 50;

void read_every_way(std::span<const std::byte> file) {
  const media::TiffVolume volume(file, "fuzz.tif");
  const media::VolumeShape& shape = volume.shape();
  LOCKSTEP_ASSERT(shape.depth > 0 && shape.height > 0 && shape.width > 0, "a volume without voxels");
  if (volume.bytes() > kMaxFuzzedBytes || shape.depth > kMaxFuzzedPages) {
    return;
  }
  std::vector<std::byte> voxels(volume.bytes());
  volume.read_slices(0, shape.depth, voxels);
  const std::size_t slice_bytes = voxels.size() / static_cast<std::size_t>(shape.depth);
  std::vector<std::byte> slice(slice_bytes);
  for (std::int64_t z = shape.depth - 1; z >= 0; --z) {
    const auto expected =
        std::span<const std::byte>(voxels).subspan(static_cast<std::size_t>(z) * slice_bytes, slice_bytes);
    volume.read_slices(z, 1, slice);
    LOCKSTEP_ASSERT(std::ranges::equal(slice, expected), "another slice");
    if (const auto offset = volume.raw_offset(z)) {
      LOCKSTEP_ASSERT(*offset + slice_bytes <= file.size(), "raw voxels behind the end");
      LOCKSTEP_ASSERT(std::ranges::equal(file.subspan(*offset, slice_bytes), expected), "other raw voxels");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_every_way(std::as_bytes(std::span(data, size)));
  } catch (const DataError&) {
  }
  return 0;
}
