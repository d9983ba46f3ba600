#include "lockstep/data/kept_sample.h"

#include <algorithm>

#include "lockstep/base/error.h"

namespace lockstep::data {
namespace {

std::size_t bytes_of(media::ImageSize size, int channels) {
  return static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height) *
         static_cast<std::size_t>(channels);
}

/// A plane at the front of the memory, which is then taken off.
media::ImageView take(media::ImageSize size, int channels, std::span<const std::uint8_t>& memory) {
  const std::size_t row = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(channels);
  const media::ImageView view{memory.data(), size.width, size.height, channels, row};
  memory = memory.subspan(bytes_of(size, channels));
  return view;
}

std::uint8_t* append(const media::ImageView& view, std::uint8_t* target) {
  const std::size_t row = static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.channels);
  for (int y = 0; y < view.height; ++y) {
    target = std::copy_n(view.row(y), row, target);
  }
  return target;
}

}  // namespace

std::size_t kept_bytes(const KeptShape& shape) {
  return bytes_of(shape.image, 3) + bytes_of(shape.mask, 1) + bytes_of(shape.original_mask, 1);
}

KeptShape KeptSample::shape() const { return {picture, box, image.size(), mask.size(), original_mask.size()}; }

KeptSample copy_kept(const KeptSample& sample, std::span<std::uint8_t> memory) {
  LOCKSTEP_ASSERT(memory.size() == kept_bytes(sample.shape()), "the memory does not have the size of the sample");
  append(sample.original_mask, append(sample.mask, append(sample.image, memory.data())));
  return kept_at(sample.shape(), memory);
}

KeptSample kept_at(const KeptShape& shape, std::span<const std::uint8_t> memory) {
  LOCKSTEP_ASSERT(memory.size() == kept_bytes(shape), "the memory does not have the size of the sample");
  KeptSample sample;
  sample.picture = shape.picture;
  sample.box = shape.box;
  sample.image = take(shape.image, 3, memory);
  sample.mask = take(shape.mask, 1, memory);
  sample.original_mask = take(shape.original_mask, 1, memory);
  return sample;
}

}  // namespace lockstep::data
