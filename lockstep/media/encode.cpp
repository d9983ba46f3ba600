#include "lockstep/media/encode.h"

#include <png.h>

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <cstdlib>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/escape.h"
#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

void assert_encodable(const Image& image) {
  LOCKSTEP_ASSERT(image.channels == 1 || image.channels == 3, "only grey and RGB images can be encoded");
  LOCKSTEP_ASSERT(image.width > 0 && image.width <= kMaxDimension, "width out of range");
  LOCKSTEP_ASSERT(image.height > 0 && image.height <= kMaxDimension, "height out of range");
}

MachineError encoding_failed(const Image& image, const std::string& detail) {
  return {text("cannot encode an image of ", image.width, " x ", image.height, " pixels (", detail, ")"),
          "free memory"};
}

[[noreturn]] void on_jpeg_error(j_common_ptr info) {
  auto* escape = static_cast<Escape*>(info->client_data);
  info->err->format_message(info, escape->message);
  escape->leave();
}

/// Owns libjpeg's side of the work and the memory into which it writes.
struct JpegWriter {
  JpegWriter() {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = on_jpeg_error;
    info.client_data = &escape;
  }

  ~JpegWriter() {
    jpeg_destroy_compress(&info);
    std::free(bytes);
  }

  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  Escape escape;
  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
};

void write_jpeg(JpegWriter& writer, const Image& image, int quality) {
  jpeg_compress_struct& info = writer.info;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &writer.bytes, &writer.length);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    // libjpeg reads through this pointer only, though its type does not say so.
    JSAMPROW row = const_cast<JSAMPROW>(image.row(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
}

}  // namespace

std::vector<std::byte> encode_png(const Image& image) {
  assert_encodable(image);
  png_image description{};
  description.version = PNG_IMAGE_VERSION;
  description.width = static_cast<png_uint_32>(image.width);
  description.height = static_cast<png_uint_32>(image.height);
  description.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(description);
  std::vector<std::byte> bytes(length);
  if (png_image_write_to_memory(&description, bytes.data(), &length, 0, image.pixels.data(), 0, nullptr) == 0) {
    throw encoding_failed(image, description.message);
  }
  bytes.resize(length);
  return bytes;
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  assert_encodable(image);
  JpegWriter writer;
  if (!writer.escape.run([&] { write_jpeg(writer, image, quality); })) {
    throw encoding_failed(image, writer.escape.message);
  }
  const auto* first = reinterpret_cast<const std::byte*>(writer.bytes);
  return {first, first + writer.length};
}

}  // namespace lockstep::media
