#include "lockstep/media/draw.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/font.h"
#include "lockstep/media/resize.h"

namespace lockstep::media {
namespace {

constexpr int kInside = 128;           // a mask's values from here on count as object
constexpr double kTintStrength = 0.4;  // how much of the photograph a sure mask hides
constexpr int kOutlineShare = 200;     // the outline grows by a pixel for so many of the photograph's shorter side

constexpr Colour kPaper{250, 250, 252};
constexpr Colour kInk{33, 37, 41};
constexpr Colour kFaintInk{108, 117, 125};

void set_pixel(std::uint8_t* pixel, Colour colour) {
  pixel[0] = colour.red;
  pixel[1] = colour.green;
  pixel[2] = colour.blue;
}

void tint(Image& image, const Image& mask, Colour colour) {
  const double target[3] = {static_cast<double>(colour.red), static_cast<double>(colour.green),
                            static_cast<double>(colour.blue)};
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    const double share = kTintStrength * mask.pixels[i] / 255.0;
    for (std::size_t c = 0; c < 3; ++c) {
      std::uint8_t& value = image.pixels[3 * i + c];
      value = static_cast<std::uint8_t>(std::lround(value + share * (target[c] - value)));
    }
  }
}

/// Whether an object ends at this pixel of it: one of the four neighbours is outside of the object.
bool is_border(const Image& mask, int x, int y) {
  const auto outside = [&](int nx, int ny) {
    return nx >= 0 && ny >= 0 && nx < mask.width && ny < mask.height && *mask.at(nx, ny) < kInside;
  };
  return *mask.at(x, y) >= kInside &&
         (outside(x - 1, y) || outside(x + 1, y) || outside(x, y - 1) || outside(x, y + 1));
}

void outline(Image& image, const Image& mask, Colour colour) {
  const int reach = std::min(mask.width, mask.height) / kOutlineShare;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (!is_border(mask, x, y)) {
        continue;
      }
      for (int py = std::max(0, y - reach); py <= std::min(mask.height - 1, y + reach); ++py) {
        for (int px = std::max(0, x - reach); px <= std::min(mask.width - 1, x + reach); ++px) {
          set_pixel(image.at(px, py), colour);
        }
      }
    }
  }
}

ImageSize fitted(ImageSize size, int cell_size) {
  const double scale = static_cast<double>(cell_size) / std::max(size.width, size.height);
  const auto scaled = [&](int side) { return std::max(1, static_cast<int>(std::lround(side * scale))); };
  return {scaled(size.width), scaled(size.height)};
}

/// The measures of a sheet, in pixels.
struct Sheet {
  int cell = 0;
  int text_scale = 1;
  int gap = 0;

  int text_height() const { return kGlyphHeight * text_scale; }
  int column_left(std::size_t column) const { return gap + static_cast<int>(column) * (cell + gap); }

  /// The rows are as high as their highest image.
  int row_height(const SheetRow& row) const {
    int height = 0;
    for (const Image& image : row.cells) {
      height = image.pixels.empty() ? height : std::max(height, fitted(image.size(), cell).height);
    }
    return height;
  }
};

void draw_image(Image& canvas, const Image& image, int left, int top, ImageSize size) {
  const Image rgb = convert(image, ColorMode::kRgb);
  Image scaled(size.width, size.height, 3);
  resize(rgb, {0, 0, rgb.width, rgb.height}, size.width, size.height, false, scaled.pixels);
  for (int y = 0; y < size.height; ++y) {
    std::copy_n(scaled.row(y), scaled.row_bytes(), canvas.at(left, top + y));
  }
}

void draw_row(Image& canvas, const Sheet& sheet, const SheetRow& row, int top) {
  const int height = sheet.row_height(row);
  for (std::size_t column = 0; column < row.cells.size(); ++column) {
    const Image& image = row.cells[column];
    if (!image.pixels.empty()) {
      const ImageSize size = fitted(image.size(), sheet.cell);
      draw_image(canvas, image, sheet.column_left(column) + (sheet.cell - size.width) / 2,
                 top + (height - size.height) / 2, size);
    }
  }
  const std::string title = fit_text(row.title, canvas.width - 2 * sheet.gap, sheet.text_scale);
  draw_text(canvas, sheet.gap, top + height + sheet.gap / 2, title, sheet.text_scale, kFaintInk);
}

}  // namespace

Image overlay(const Image& photo, const Image& mask, Colour colour) {
  LOCKSTEP_ASSERT(mask.channels == 1 && mask.size() == photo.size(), "the mask must be grey, of the photograph's size");
  Image image = convert(photo, ColorMode::kRgb);
  tint(image, mask, colour);
  outline(image, mask, colour);
  return image;
}

Image contact_sheet(std::span<const SheetRow> rows, std::span<const std::string> column_titles, int cell_size) {
  LOCKSTEP_ASSERT(cell_size > 0, "the cells must have a size");
  std::size_t columns = std::max<std::size_t>(1, column_titles.size());
  for (const SheetRow& row : rows) {
    columns = std::max(columns, row.cells.size());
  }
  const Sheet sheet{cell_size, cell_size >= 160 ? 2 : 1, std::max(6, cell_size / 16)};
  const int below_images = sheet.gap / 2 + sheet.text_height() + sheet.gap;

  int height = sheet.gap + sheet.text_height() + sheet.gap;
  for (const SheetRow& row : rows) {
    height += sheet.row_height(row) + below_images;
  }
  Image canvas(sheet.column_left(columns), height, 3);
  for (std::size_t i = 0; i < canvas.pixels.size(); i += 3) {
    set_pixel(&canvas.pixels[i], kPaper);
  }

  for (std::size_t column = 0; column < column_titles.size(); ++column) {
    const std::string title = fit_text(column_titles[column], cell_size, sheet.text_scale);
    const int indent = (cell_size - text_width(title, sheet.text_scale)) / 2;
    draw_text(canvas, sheet.column_left(column) + indent, sheet.gap, title, sheet.text_scale, kInk);
  }
  int top = sheet.gap + sheet.text_height() + sheet.gap;
  for (const SheetRow& row : rows) {
    draw_row(canvas, sheet, row, top);
    top += sheet.row_height(row) + below_images;
  }
  return canvas;
}

}  // namespace lockstep::media
