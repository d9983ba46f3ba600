#include "lockstep/media/draw_boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lockstep::media {
namespace {

using Pixel = std::vector<int>;

constexpr Colour kRed{255, 0, 0};

Pixel pixel(const Image& image, int x, int y) {
  const std::uint8_t* values = image.at(x, y);
  return {values[0], values[1], values[2]};
}

/// How many pixels are neither the paper's grey nor the colour.
std::ptrdiff_t inked(const Image& image, Rect within) {
  std::ptrdiff_t count = 0;
  for (int y = within.y; y < within.y + within.height; ++y) {
    for (int x = within.x; x < within.x + within.width; ++x) {
      count += pixel(image, x, y) != Pixel{100, 100, 100} && pixel(image, x, y) != Pixel{255, 0, 0} ? 1 : 0;
    }
  }
  return count;
}

Image grey(int width, int height) {
  Image image(width, height, 1);
  std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{100});
  return image;
}

TEST(DrawBoxes, FramesLieJustInsideOfTheirBoxes) {
  const Image result = draw_boxes(grey(40, 30), std::vector<CaptionedBox>{{{10, 12, 20, 8}, "", kRed}});
  EXPECT_EQ(result.channels, 3);
  for (const auto& [x, y] : {std::pair(10, 12), std::pair(29, 19), std::pair(10, 15), std::pair(20, 19)}) {
    EXPECT_EQ(pixel(result, x, y), (Pixel{255, 0, 0})) << x << ' ' << y;
  }
  for (const auto& [x, y] : {std::pair(9, 12), std::pair(30, 19), std::pair(11, 13), std::pair(20, 20)}) {
    EXPECT_EQ(pixel(result, x, y), (Pixel{100, 100, 100})) << x << ' ' << y;
  }
}

TEST(DrawBoxes, CaptionsStandAboveOrWhereThereIsNoRoomInside) {
  const Image above = draw_boxes(grey(60, 60), std::vector<CaptionedBox>{{{5, 30, 40, 20}, "rook", kRed}});
  EXPECT_EQ(pixel(above, 5, 29), (Pixel{255, 0, 0}));
  EXPECT_GT(inked(above, {5, 21, 40, 9}), 20);
  EXPECT_EQ(inked(above, {0, 30, 60, 30}), 0);
  const Image inside = draw_boxes(grey(60, 60), std::vector<CaptionedBox>{{{5, 2, 40, 50}, "rook", kRed}});
  EXPECT_GT(inked(inside, {5, 2, 40, 9}), 20);
  EXPECT_EQ(inked(inside, {0, 12, 60, 48}), 0);
}

TEST(DrawBoxes, BoxesAndCaptionsBeyondTheEdgeAreCutOff) {
  const std::vector<CaptionedBox> boxes = {{{-30, -5, 500, 20}, "a caption that is wider than the picture", kRed},
                                           {{35, 25, 1e9, 1e9}, "", kRed},
                                           {{-80, -80, 10, 10}, "", kRed}};
  const Image result = draw_boxes(grey(40, 30), boxes);
  EXPECT_EQ(pixel(result, 20, 14), (Pixel{255, 0, 0}));
  EXPECT_EQ(pixel(result, 35, 29), (Pixel{255, 0, 0}));
  EXPECT_EQ(pixel(result, 20, 20), (Pixel{100, 100, 100}));
}

TEST(DrawBoxes, TextIsDarkOnLightAndLightOnDark) {
  const auto has = [](Colour colour, const Pixel& ink) {
    const Image image = draw_boxes(grey(60, 60), std::vector<CaptionedBox>{{{5, 30, 40, 20}, "WWW", colour}});
    for (int x = 5; x < 30; ++x) {
      for (int y = 21; y < 30; ++y) {
        if (pixel(image, x, y) == ink) {
          return true;
        }
      }
    }
    return false;
  };
  EXPECT_TRUE(has({240, 228, 66}, {0, 0, 0}));
  EXPECT_TRUE(has({0, 0, 120}, {255, 255, 255}));
}

TEST(ColourOf, DiffersForTheFirstFew) {
  for (std::size_t i = 0; i < 7; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(pixel(draw_boxes(grey(1, 1), std::vector<CaptionedBox>{{{0, 0, 1, 1}, "", colour_of(i)}}), 0, 0),
                pixel(draw_boxes(grey(1, 1), std::vector<CaptionedBox>{{{0, 0, 1, 1}, "", colour_of(j)}}), 0, 0));
    }
  }
}

}  // namespace
}  // namespace lockstep::media
