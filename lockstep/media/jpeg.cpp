#include "lockstep/media/jpeg.h"

#include <algorithm>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/media/channels.h"
#include "lockstep/media/decode_request.h"
#include "lockstep/media/jpeg_columns.h"
#include "lockstep/media/jpeg_handle.h"
#include "lockstep/media/jpeg_scan.h"

namespace lockstep::media {
namespace {

/// From inverted cyan, magenta, yellow, black, with the rounding of Pillow's conversion.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, cmyk += 4, rgb += 3) {
    const unsigned light = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned product = (255U - cmyk[c]) * light + 128U;
      rgb[c] = static_cast<std::uint8_t>(light - ((product + (product >> 8)) >> 8));
    }
  }
}

/// Takes the pixels of one request out of a JPEG.
class JpegPartReader {
 public:
  /// With `scan` that decodes the coefficients, where it can.
  JpegPartReader(JpegHandle& jpeg, const DecodeRequest& request, Image& image, JpegScan* scan)
      : jpeg_(jpeg), info_(jpeg.info()), request_(request), image_(image), scan_(scan) {}

  void read() {
    LOCKSTEP_ASSERT(request_.eighths >= 1 && request_.eighths <= kFullSize,
                    "a JPEG is decoded at 1/8 to 8/8 of its size");
    jpeg_.check_length();
    choose_colours();
    info_.scale_num = static_cast<unsigned>(request_.eighths);
    info_.scale_denom = kFullSize;
    jpeg_.run([&] { jpeg_start_decompress(&info_); });
    if (scan_ != nullptr) {
      scan_->install(info_);
    }
    make_image();
    seek();
    read_rows();
    if (!request_.region) {
      jpeg_.run([&] { jpeg_finish_decompress(&info_); });
    }
  }

 private:
  /// What libjpeg cannot turn into the wanted channels itself is turned here, row by row.
  void choose_colours() {
    const bool colour = request_.mode == ColorMode::kRgb;
    const J_COLOR_SPACE stored = info_.jpeg_color_space;
    if (stored == JCS_CMYK || stored == JCS_YCCK) {
      info_.out_color_space = JCS_CMYK;
    } else if (colour) {
      info_.out_color_space = request_.padded ? JCS_EXT_RGBX : JCS_RGB;
    } else {
      info_.out_color_space = stored == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    }
  }

  void make_image() {
    region_ = requested_part(request_, {static_cast<int>(info_.output_width), static_cast<int>(info_.output_height)});
    reshape(image_, {region_.width, region_.height}, requested_channels(request_));
  }

  /// To the first row and column.
  void seek() {
    const auto left = static_cast<JDIMENSION>(region_.x);
    Columns columns = columns_to_decode(info_, {left, static_cast<JDIMENSION>(region_.width)});
    jpeg_.run([&] {
      jpeg_crop_scanline(&info_, &columns.begin, &columns.count);
      if (scan_ != nullptr) {
        scan_->keep_columns(columns);
      }
      if (region_.y > 0) {
        jpeg_skip_scanlines(&info_, static_cast<JDIMENSION>(region_.y));
      }
    });
    LOCKSTEP_ASSERT(columns.begin <= left, "libjpeg moves a crop's left edge to the left");
    margin_ = left - columns.begin;
  }

  void read_rows() {
    const auto pixel_bytes = static_cast<std::size_t>(info_.output_components);
    const bool same_channels = image_.channels == info_.output_components && info_.out_color_space != JCS_CMYK;
    const auto width = static_cast<JDIMENSION>(image_.width);
    if (same_channels && width == info_.output_width) {
      jpeg_.run([&] { read_direct(); });
      return;
    }
    thread_local std::vector<std::uint8_t> stored;
    thread_local std::vector<std::uint8_t> rgb;
    stored.resize(info_.output_width * pixel_bytes * kRowsAtOnce);
    rgb.resize(std::size_t{3} * width);
    if (same_channels && info_.output_width - width <= width) {
      jpeg_.run([&] { read_between_margins(stored.data()); });
    } else {
      jpeg_.run([&] { read_and_convert(stored.data(), rgb.data()); });
    }
  }

  void read_direct() {
    for (int y = 0; y < image_.height;) {
      JSAMPROW rows[kRowsAtOnce];
      const int count = std::min(kRowsAtOnce, image_.height - y);
      for (int i = 0; i < count; ++i) {
        rows[i] = image_.row(y + i);
      }
      y += static_cast<int>(jpeg_read_scanlines(&info_, rows, static_cast<JDIMENSION>(count)));
    }
  }

  /// Straight into the image too, where libjpeg gives more columns than the image has: a row's margins fall on its
  /// neighbours. The row below is yet to come, and the end of the row above is put back.
  void read_between_margins(std::uint8_t* scratch) {
    const std::size_t left = margin_ * static_cast<std::size_t>(info_.output_components);
    for (int y = 0; y < image_.height; ++y) {
      const bool has_neighbours = y > 0 && y + 1 < image_.height;
      JSAMPROW row = has_neighbours ? image_.row(y) - left : scratch;
      if (has_neighbours) {
        std::copy_n(row, left, scratch);
      }
      jpeg_read_scanlines(&info_, &row, 1);
      if (has_neighbours) {
        std::copy_n(scratch, left, row);
      } else {
        std::copy_n(scratch + left, image_.row_bytes(), image_.row(y));
      }
    }
  }

  void read_and_convert(std::uint8_t* stored, std::uint8_t* rgb) {
    const auto pixel_bytes = static_cast<std::size_t>(info_.output_components);
    const std::size_t row_bytes = info_.output_width * pixel_bytes;
    for (int y = 0; y < image_.height;) {
      JSAMPROW rows[kRowsAtOnce];
      for (int i = 0; i < kRowsAtOnce; ++i) {
        rows[i] = stored + static_cast<std::size_t>(i) * row_bytes;
      }
      const auto wanted = static_cast<JDIMENSION>(std::min(kRowsAtOnce, image_.height - y));
      const auto count = static_cast<int>(jpeg_read_scanlines(&info_, rows, wanted));
      for (int i = 0; i < count; ++i, ++y) {
        convert_row(rows[i] + margin_ * pixel_bytes, rgb, image_.row(y));
      }
    }
  }

  void convert_row(const std::uint8_t* stored, std::uint8_t* rgb, std::uint8_t* target) const {
    const auto width = static_cast<std::size_t>(image_.width);
    if (info_.out_color_space == JCS_CMYK) {
      cmyk_to_rgb(stored, rgb, width);
      convert_pixels(rgb, 3, target, image_.channels, width);
    } else if (info_.output_components == image_.channels) {
      std::copy_n(stored, image_.row_bytes(), target);
    } else {
      convert_pixels(stored, info_.output_components, target, image_.channels, width);
    }
  }

  static constexpr int kRowsAtOnce = 2;

  JpegHandle& jpeg_;
  jpeg_decompress_struct& info_;
  const DecodeRequest& request_;
  Image& image_;
  JpegScan* scan_;
  Rect region_{};
  JDIMENSION margin_ = 0;  ///< columns that libjpeg gives to the left of the region
};

void decode_part_of(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                    Image& image, JpegScan* scan) {
  JpegHandle jpeg(bytes, name);
  jpeg.read_header();
  JpegPartReader(jpeg, request, image, scan).read();
}

}  // namespace

void decode_jpeg_part(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                      Image& image) {
  JpegScan scan;
  try {
    decode_part_of(bytes, request, name, image, &scan);
  } catch (const DataError&) {
    if (!scan.has_given_up()) {
      throw;
    }
    decode_part_by_libjpeg(bytes, request, name, image);
  }
}

void decode_part_by_libjpeg(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                            Image& image) {
  decode_part_of(bytes, request, name, image, nullptr);
}

ImageSize read_jpeg_size(std::span<const std::byte> bytes, const std::string& name) {
  return JpegHandle(bytes, name).read_header();
}

int jpeg_library_version() {
#ifdef LIBJPEG_TURBO_VERSION_NUMBER
  return LIBJPEG_TURBO_VERSION_NUMBER;
#else
  return JPEG_LIB_VERSION;
#endif
}

}  // namespace lockstep::media
