#include "lockstep/media/decode.h"

#include <algorithm>
#include <array>

#include "lockstep/base/error.h"
#include "lockstep/media/channels.h"
#include "lockstep/media/exif.h"
#include "lockstep/media/jpeg.h"
#include "lockstep/media/png.h"

namespace lockstep::media {
namespace {

template <std::size_t count>
bool begins_with(std::span<const std::byte> bytes, const std::array<unsigned char, count>& magic) {
  return bytes.size() >= count &&
         std::equal(magic.begin(), magic.end(), bytes.begin(),
                    [](unsigned char a, std::byte b) { return a == std::to_integer<unsigned char>(b); });
}

Format recognise(std::span<const std::byte> bytes, const std::string& name) {
  constexpr std::array<unsigned char, 3> kJpegMagic{0xff, 0xd8, 0xff};
  constexpr std::array<unsigned char, 8> kPngMagic{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.empty()) {
    throw DataError(name + " is empty", "restore the file or remove it");
  }
  if (begins_with(bytes, kJpegMagic)) {
    return Format::kJpeg;
  }
  if (begins_with(bytes, kPngMagic)) {
    return Format::kPng;
  }
  throw DataError(name + " is neither a JPEG nor a PNG image, whatever its name says",
                  "convert it to one of these or remove it");
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, ColorMode mode, const std::string& name) {
  Image image;
  decode_part(bytes, {.mode = mode}, name, image);
  return image;
}

ImageHeader read_image_header(std::span<const std::byte> bytes, const std::string& name) {
  const Format format = recognise(bytes, name);
  if (format == Format::kJpeg) {
    return {format, read_jpeg_size(bytes, name), jpeg_orientation(bytes)};
  }
  return {format, read_png_size(bytes, name), png_orientation(bytes)};
}

ImageSize read_image_size(std::span<const std::byte> bytes, const std::string& name) {
  return read_image_header(bytes, name).size;
}

void decode_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                 Image& image) {
  if (recognise(bytes, name) == Format::kJpeg) {
    decode_jpeg_part(bytes, request, name, image);
    return;
  }
  LOCKSTEP_ASSERT(request.eighths == kFullSize, "a PNG has one size");
  decode_png_part(bytes, request, name, image);
}

Image convert(Image image, ColorMode mode) {
  const int wanted = mode == ColorMode::kGrey ? 1 : 3;
  if (image.channels == wanted) {
    return image;
  }
  Image converted(image.width, image.height, wanted);
  convert_pixels(image.pixels.data(), image.channels, converted.pixels.data(), wanted,
                 static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  return converted;
}

}  // namespace lockstep::media
