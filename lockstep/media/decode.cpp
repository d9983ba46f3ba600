#include "lockstep/media/decode.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lockstep/base/error.h"
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

Image to_grey(const Image& image) {
  Image grey(image.width, image.height, 1);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    const std::uint8_t* pixel = image.pixels.data() + 3 * i;
    grey.pixels[i] = luma(pixel[0], pixel[1], pixel[2]);
  }
  return grey;
}

Image to_rgb(const Image& image) {
  Image rgb(image.width, image.height, 3);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    std::fill_n(rgb.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, image.pixels[i]);
  }
  return rgb;
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, ColorMode mode, const std::string& name) {
  const bool jpeg = recognise(bytes, name) == Format::kJpeg;
  return convert(jpeg ? decode_jpeg(bytes, name) : decode_png(bytes, name), mode);
}

ImageHeader read_image_header(std::span<const std::byte> bytes, const std::string& name) {
  const Format format = recognise(bytes, name);
  return {format, format == Format::kJpeg ? read_jpeg_size(bytes, name) : read_png_size(bytes, name)};
}

ImageSize read_image_size(std::span<const std::byte> bytes, const std::string& name) {
  return read_image_header(bytes, name).size;
}

void decode_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                 Image& image) {
  if (recognise(bytes, name) == Format::kPng) {
    return decode_png_part(bytes, request, name, image);
  }
  LOCKSTEP_ASSERT(request.denominator == 1, "not yet");
  const Image whole = decode_image(bytes, request.mode, name);
  const Rect region = request.region.value_or(Rect{0, 0, whole.width, whole.height});
  image.width = region.width;
  image.height = region.height;
  image.channels = whole.channels;
  image.pixels.resize(image.row_bytes() * static_cast<std::size_t>(image.height));
  const ImageView part = part_of(view_of(whole), region);
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(part.row(y), image.row_bytes(), image.row(y));
  }
}

Image convert(Image image, ColorMode mode) {
  LOCKSTEP_ASSERT(image.channels == 1 || image.channels == 3, "an image is grey or RGB");
  const int wanted = mode == ColorMode::kGrey ? 1 : 3;
  if (image.channels == wanted) {
    return image;
  }
  return wanted == 1 ? to_grey(image) : to_rgb(image);
}

}  // namespace lockstep::media
