#include "lockstep/media/draw_boxes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lockstep/media/decode.h"
#include "lockstep/media/font.h"

namespace lockstep::media {
namespace {

constexpr int kFrameShare = 200;  // a frame grows by a pixel for so many of the photograph's shorter side
constexpr int kTextShare = 320;   // and so the text by its own size

constexpr Colour kDark{0, 0, 0};
constexpr Colour kLight{255, 255, 255};

void fill(Image& image, const Rect& rect, Colour colour) {
  for (int y = std::max(rect.y, 0); y < std::min(rect.y + rect.height, image.height); ++y) {
    for (int x = std::max(rect.x, 0); x < std::min(rect.x + rect.width, image.width); ++x) {
      std::uint8_t* pixel = image.at(x, y);
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

/// The whole pixels nearest to a box, at least one, and no farther outside of the image than can be told.
Rect rounded(const Box& box, ImageSize size) {
  const auto place = [](double value, int length) {
    return static_cast<int>(std::lround(std::clamp(value, -1.0 * length, 2.0 * length)));
  };
  const int x = place(box.x, size.width);
  const int y = place(box.y, size.height);
  return {x, y, std::max(1, place(box.x + box.width, size.width) - x),
          std::max(1, place(box.y + box.height, size.height) - y)};
}

void draw_frame(Image& image, const Rect& rect, int width, Colour colour) {
  const int across = std::min(width, rect.width);
  const int down = std::min(width, rect.height);
  fill(image, {rect.x, rect.y, rect.width, down}, colour);
  fill(image, {rect.x, rect.y + rect.height - down, rect.width, down}, colour);
  fill(image, {rect.x, rect.y, across, rect.height}, colour);
  fill(image, {rect.x + rect.width - across, rect.y, across, rect.height}, colour);
}

/// Dark on a light colour, light on a dark one.
Colour ink_on(Colour colour) {
  constexpr int kHalf = 128000;
  return 299 * colour.red + 587 * colour.green + 114 * colour.blue > kHalf ? kDark : kLight;
}

void draw_caption(Image& image, const Rect& rect, const CaptionedBox& box, int scale) {
  const std::string line = fit_text(box.caption, image.width - 2 * scale, scale);
  const int width = text_width(line, scale) + 2 * scale;
  const int height = (kGlyphHeight + 1) * scale;
  const int left = std::clamp(rect.x, 0, std::max(0, image.width - width));
  const int top = rect.y >= height ? rect.y - height : std::max(rect.y, 0);
  fill(image, {left, top, width, height}, box.colour);
  draw_text(image, left + scale, top + scale, line, scale, ink_on(box.colour));
}

}  // namespace

Image draw_boxes(const Image& photo, std::span<const CaptionedBox> boxes) {
  Image image = convert(photo, ColorMode::kRgb);
  const int shorter = std::min(image.width, image.height);
  for (const CaptionedBox& box : boxes) {
    const Rect rect = rounded(box.box, image.size());
    draw_frame(image, rect, 1 + shorter / kFrameShare, box.colour);
    if (!box.caption.empty()) {
      draw_caption(image, rect, box, 1 + shorter / kTextShare);
    }
  }
  return image;
}

Colour colour_of(std::size_t number) {
  // Okabe and Ito's, which people who do not tell red from green can tell apart.
  constexpr std::array<Colour, 7> kColours{
      {{230, 159, 0}, {86, 180, 233}, {0, 158, 115}, {240, 228, 66}, {0, 114, 178}, {213, 94, 0}, {204, 121, 167}}};
  return kColours[number % kColours.size()];
}

}  // namespace lockstep::media
