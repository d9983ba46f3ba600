#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/image.h"

namespace lockstep::media {

enum class ColorMode { kRgb, kGrey };

/// Decodes a JPEG or PNG; which of them is seen from the bytes, not from the name. Palettes, 1 to 16 bits and CMYK
/// become 8-bit colour, an alpha channel is dropped, colour becomes grey by `luma`, as Pillow does on `convert`.
/// `name` is what messages call the image. Throws DataError for bytes that are not a whole image, and for an image
/// larger than kMaxDimension or kMaxPixels, before memory is taken for it.
Image decode_image(std::span<const std::byte> bytes, ColorMode mode, const std::string& name);

/// What the header says, without decoding the pixels. Throws as `decode_image`.
ImageSize read_image_size(std::span<const std::byte> bytes, const std::string& name);

/// The brightness of a colour by ITU-R 601-2, in 16-bit fixed point, rounded.
constexpr std::uint8_t luma(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/// The same picture with three channels, or with one. Gives an image back unchanged that is so already.
Image convert(Image image, ColorMode mode);

}  // namespace lockstep::media
