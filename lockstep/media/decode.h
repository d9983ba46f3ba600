#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "lockstep/media/channels.h"
#include "lockstep/media/image.h"

namespace lockstep::media {

enum class ColorMode { kRgb, kGrey };

/// Decodes a JPEG or PNG; which of them is seen from the bytes, not from the name. Palettes, 1 to 16 bits and CMYK
/// become 8-bit colour, an alpha channel is dropped, colour becomes grey by `luma`, as Pillow does on `convert`.
/// `name` is what messages call the image. Throws DataError for bytes that are not a whole image, and for an image
/// larger than kMaxDimension or kMaxPixels, before memory is taken for it.
Image decode_image(std::span<const std::byte> bytes, ColorMode mode, const std::string& name);

enum class Format { kJpeg, kPng };

/// What the header says, without decoding the pixels.
struct ImageHeader {
  Format format = Format::kJpeg;
  ImageSize size{};     ///< as stored; that of the upright picture is in media/orientation.h
  int orientation = 1;  ///< EXIF's, 1 to 8: how the picture is to be turned
};

/// Throws as `decode_image`.
ImageHeader read_image_header(std::span<const std::byte> bytes, const std::string& name);

/// The size alone.
ImageSize read_image_size(std::span<const std::byte> bytes, const std::string& name);

/// A JPEG is made of squares of 8 x 8 pixels. It can be decoded so that each of them becomes n x n: at n eighths of its
/// size.
inline constexpr int kFullSize = 8;

/// The size of an image that is decoded at so many eighths of its size: rounded up, as libjpeg does.
constexpr ImageSize reduced(ImageSize size, int eighths) {
  return {(size.width * eighths + kFullSize - 1) / kFullSize, (size.height * eighths + kFullSize - 1) / kFullSize};
}

/// Which pixels of an image are wanted.
struct DecodeRequest {
  ColorMode mode = ColorMode::kRgb;
  int eighths = kFullSize;       ///< of its size, 1 to 8, at which a JPEG is decoded; a PNG has its full size only
  std::optional<Rect> region{};  ///< of the reduced image; all of it by default
  bool padded = false;           ///< of a colour: four values a pixel, red, green, blue and one without meaning
};

/// Decodes no more than is asked for. The pixels are those that decoding all of the image at this size gives;
/// they lie as they are stored, whatever the orientation. What memory `image` has is used again. Throws as
/// `decode_image`; damage outside of what is decoded may go unseen.
void decode_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name, Image& image);

/// The same picture with three channels, or with one. Gives an image back unchanged that is so already.
Image convert(Image image, ColorMode mode);

}  // namespace lockstep::media
