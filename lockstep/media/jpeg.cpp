#include "lockstep/media/jpeg.h"

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jerror.h>
#include <jpeglib.h>

#include <vector>

#include "lockstep/media/escape.h"
#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

static_assert(sizeof(Escape::message) >= JMSG_LENGTH_MAX);

[[noreturn]] void on_error(j_common_ptr info) {
  auto* escape = static_cast<Escape*>(info->client_data);
  info->err->format_message(info, escape->message);
  escape->leave();
}

/// Whether a warning says that pixels are lost; others (stray bytes between markers, odd parameters that some cameras
/// write) harm nothing.
bool is_loss(int warning) {
  return warning == JWRN_JPEG_EOF || warning == JWRN_HIT_MARKER || warning == JWRN_HUFF_BAD_CODE ||
         warning == JWRN_MUST_RESYNC;
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && is_loss(info->err->msg_code)) {
    on_error(info);
  }
}

/// From inverted cyan, magenta, yellow, black, with the rounding of Pillow's conversion.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned light = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned product = (255U - cmyk[c]) * light + 128U;
      rgb[c] = static_cast<std::uint8_t>(light - ((product + (product >> 8)) >> 8));
    }
  }
}

class JpegReader {
 public:
  JpegReader(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = on_error;
    errors_.emit_message = on_message;
    info_.client_data = &escape_;
  }

  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  ImageSize read_header() {
    run([&] {
      jpeg_create_decompress(&info_);
      jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
      jpeg_read_header(&info_, TRUE);
    });
    check_size(info_.image_width, info_.image_height, name_);
    return {static_cast<int>(info_.image_width), static_cast<int>(info_.image_height)};
  }

  Image read_image() {
    const auto [width, height] = read_header();
    const J_COLOR_SPACE stored = info_.jpeg_color_space;
    const bool grey = stored == JCS_GRAYSCALE;
    const bool cmyk = stored == JCS_CMYK || stored == JCS_YCCK;
    info_.out_color_space = grey ? JCS_GRAYSCALE : cmyk ? JCS_CMYK : JCS_RGB;
    Image image(width, height, grey ? 1 : 3);
    std::vector<std::uint8_t> cmyk_row(cmyk ? static_cast<std::size_t>(width) * 4 : 0);
    run([&] {
      jpeg_start_decompress(&info_);
      while (info_.output_scanline < info_.output_height) {
        std::uint8_t* row = image.row(static_cast<int>(info_.output_scanline));
        JSAMPROW target = cmyk ? cmyk_row.data() : row;
        jpeg_read_scanlines(&info_, &target, 1);
        if (cmyk) {
          cmyk_to_rgb(target, row, image.width);
        }
      }
      jpeg_finish_decompress(&info_);
    });
    return image;
  }

 private:
  template <typename Calls>
  void run(const Calls& calls) {
    if (!escape_.run(calls)) {
      throw unreadable("JPEG", escape_.message, name_);
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  Escape escape_;
  jpeg_error_mgr errors_{};
  jpeg_decompress_struct info_{};
};

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  return JpegReader(bytes, name).read_image();
}

ImageSize read_jpeg_size(std::span<const std::byte> bytes, const std::string& name) {
  return JpegReader(bytes, name).read_header();
}

}  // namespace lockstep::media
