#include "lockstep/media/png_libpng.h"

#include <png.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "lockstep/media/decode_request.h"
#include "lockstep/media/escape.h"
#include "lockstep/media/limits.h"
#include "lockstep/media/png_rows.h"

namespace lockstep::media {
namespace {

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* escape = static_cast<Escape*>(png_get_error_ptr(png));
  std::snprintf(escape->message, sizeof(escape->message), "%s", message);
  escape->leave();
}

// libpng warns about metadata only; damaged pixels are errors.
void on_warning(png_structp, png_const_charp) {}

/// Takes from the front of the bytes that are left.
void on_read(png_structp png, png_bytep target, png_size_t count) {
  auto* rest = static_cast<std::span<const std::byte>*>(png_get_io_ptr(png));
  if (count > rest->size()) {
    png_error(png, "Premature end of PNG file");
  }
  std::memcpy(target, rest->data(), count);
  *rest = rest->subspan(count);
}

class PngReader {
 public:
  PngReader(std::span<const std::byte> bytes, const std::string& name)
      : name_(name), file_bytes_(bytes.size()), rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &escape_, on_error, on_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }

  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  ImageSize read_header() {
    run([&] {
      png_set_read_fn(png_, &rest_, on_read);
      // libpng's own limits would give a message that says nothing; check_size follows at once.
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
      png_read_info(png_, info_);
    });
    const png_uint_32 width = png_get_image_width(png_, info_);
    const png_uint_32 height = png_get_image_height(png_, info_);
    check_size(width, height, name_);
    return {static_cast<int>(width), static_cast<int>(height)};
  }

  void read_part(const DecodeRequest& request, Image& image) {
    const ImageSize size = read_header();
    check_length(size.height);
    const Rect part = requested_part(request, size);
    const bool colour = (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0;
    const bool interlaced = png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE;
    start(colour);
    const PngLayout layout{size.width, size.height, 8, colour ? PngColour::kRgb : PngColour::kGrey};
    check_row_bytes(layout.row_bytes());
    reshape(image, {part.width, part.height}, requested_channels(request));
    const PngRowConverter converter(layout, {}, image.channels);
    interlaced ? read_interlaced(layout, part, converter, image) : read_rows(layout, part, converter, image);
  }

 private:
  /// A file that is too short for its size, whatever is in it, is refused before memory is taken for the pixels.
  void check_length(int height) {
    if (is_too_short(file_bytes_, png_get_rowbytes(png_, info_) * static_cast<std::size_t>(height))) {
      throw unreadable("PNG", "too short for its size", name_);
    }
  }

  void start(bool colour) {
    run([&] {
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_strip_16(png_);
      png_set_strip_alpha(png_);
      if (colour) {
        png_set_palette_to_rgb(png_);
      }
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
  }

  void check_row_bytes(std::size_t expected) {
    if (png_get_rowbytes(png_, info_) != expected) {
      throw unreadable("PNG", "Unsupported kind of pixels", name_);
    }
  }

  void read_rows(const PngLayout& layout, Rect part, const PngRowConverter& converter, Image& image) {
    std::vector<std::uint8_t> row(layout.row_bytes());
    run([&] {
      // To the end, whatever is wanted: whether a file is damaged must not depend on the crop.
      for (int y = 0; y < layout.height; ++y) {
        png_read_row(png_, row.data(), nullptr);
        if (y >= part.y && y < part.y + part.height) {
          converter.convert(row.data(), part.x, part.width, image.row(y - part.y));
        }
      }
      png_read_end(png_, nullptr);
    });
  }

  void read_interlaced(const PngLayout& layout, Rect part, const PngRowConverter& converter, Image& image) {
    Image whole(layout.width, layout.height, layout.channels());
    std::vector<png_bytep> rows;
    for (int y = 0; y < layout.height; ++y) {
      rows.push_back(whole.row(y));
    }
    run([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    for (int y = 0; y < part.height; ++y) {
      converter.convert(whole.row(part.y + y), part.x, part.width, image.row(y));
    }
  }

  template <typename Calls>
  void run(const Calls& calls) {
    if (!escape_.run(calls)) {
      throw unreadable("PNG", escape_.message, name_);
    }
  }

  const std::string& name_;
  const std::size_t file_bytes_;
  std::span<const std::byte> rest_;
  Escape escape_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

void decode_png_with_libpng(std::span<const std::byte> bytes, const DecodeRequest& request, const std::string& name,
                            Image& image) {
  PngReader(bytes, name).read_part(request, image);
}

ImageSize read_png_size_with_libpng(std::span<const std::byte> bytes, const std::string& name) {
  return PngReader(bytes, name).read_header();
}

}  // namespace lockstep::media
