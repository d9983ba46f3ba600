#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/media/image.h"

namespace lockstep::data {

/// The sizes of what is kept of a sample.
struct KeptShape {
  media::ImageSize picture{};        ///< of the upright photograph, in its file
  media::Box box{};                  ///< where it lies in the pixels that are kept of it
  media::ImageSize image{};          ///< of these pixels
  media::ImageSize mask{};           ///< of the pixels kept of the mask; 0 x 0: there is no mask
  media::ImageSize original_mask{};  ///< of the mask at its own size; 0 x 0: it is not kept
};

/// The bytes of the pixels of that shape.
std::size_t kept_bytes(const KeptShape& shape);

/// A photograph and its mask, decoded, upright, at the size from which all crops can be cut. The memory belongs to
/// someone else.
struct KeptSample {
  media::ImageSize picture{};        ///< size of the upright photograph, in its file
  media::Box box{};                  ///< where it lies in `image`, whose last pixels may reach beyond its edge
  media::ImageView image{};          ///< (height, width, 3)
  media::ImageView mask{};           ///< (height, width, 1), or of size 0
  media::ImageView original_mask{};  ///< (height, width, 1), or of size 0

  KeptShape shape() const;
};

/// Writes all pixels of a sample one after the other: image, mask, original mask. Gives the sample in its new place.
/// `memory` has `kept_bytes` bytes.
KeptSample copy_kept(const KeptSample& sample, std::span<std::uint8_t> memory);

/// The sample that lies in memory like this.
KeptSample kept_at(const KeptShape& shape, std::span<const std::uint8_t> memory);

}  // namespace lockstep::data
