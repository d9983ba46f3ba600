#include "lockstep/media/huffman.h"

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "lockstep/media/escape.h"
#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

static_assert(sizeof(Escape::message) >= JMSG_LENGTH_MAX);

[[noreturn]] void leave_with_message(j_common_ptr info) {
  auto* escape = static_cast<Escape*>(info->client_data);
  info->err->format_message(info, escape->message);
  escape->leave();
}

void ignore_message(j_common_ptr, int) {}

/// libjpeg's decoder and its owner.
struct CoefficientReader {
  CoefficientReader() {
    info.err = jpeg_std_error(&errors);
    errors.error_exit = leave_with_message;
    errors.emit_message = ignore_message;
    info.client_data = &escape;
  }
  ~CoefficientReader() { jpeg_destroy_decompress(&info); }
  CoefficientReader(const CoefficientReader&) = delete;
  CoefficientReader& operator=(const CoefficientReader&) = delete;

  Escape escape;
  jpeg_error_mgr errors{};
  jpeg_decompress_struct info{};
};

}  // namespace

void decode_huffman_alone(std::span<const std::byte> bytes, const std::string& name) {
  CoefficientReader reader;
  const auto run = [&](const auto& calls) {
    if (!reader.escape.run(calls)) {
      throw unreadable("JPEG", reader.escape.message, name);
    }
  };
  run([&] {
    jpeg_create_decompress(&reader.info);
    jpeg_mem_src(&reader.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&reader.info, TRUE);
  });
  check_size(reader.info.image_width, reader.info.image_height, name);
  run([&] { jpeg_read_coefficients(&reader.info); });
}

}  // namespace lockstep::media
