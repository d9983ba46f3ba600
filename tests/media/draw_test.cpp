#include "lockstep/media/draw.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/media/font.h"

namespace lockstep::media::draw_test {
namespace {

using Pixel = std::vector<int>;

Pixel pixel(const Image& image, int x, int y) {
  const std::uint8_t* values = image.at(x, y);
  return {values[0], values[1], values[2]};
}

Image filled(int width, int height, int channels, std::uint8_t value) {
  Image image(width, height, channels);
  std::fill(image.pixels.begin(), image.pixels.end(), value);
  return image;
}

TEST(Overlay, TintsTheObjectOutlinesItAndLeavesTheRest) {
  const Image photo = filled(20, 20, 1, 100);
  Image mask(20, 20, 1);
  for (int y = 5; y < 15; ++y) {
    std::fill_n(mask.at(5, y), 10, std::uint8_t{255});
  }
  const Image result = overlay(photo, mask, {255, 0, 0});
  EXPECT_EQ(result.size(), photo.size());
  EXPECT_EQ(pixel(result, 0, 0), (Pixel{100, 100, 100}));
  EXPECT_EQ(pixel(result, 4, 10), (Pixel{100, 100, 100}));
  EXPECT_EQ(pixel(result, 5, 10), (Pixel{255, 0, 0}));
  EXPECT_EQ(pixel(result, 10, 14), (Pixel{255, 0, 0}));
  EXPECT_EQ(pixel(result, 10, 10), (Pixel{162, 60, 60}));
}

TEST(Overlay, TintsWhatIsUnsureFaintlyAndWithoutOutline) {
  const Image result = overlay(filled(8, 8, 3, 100), filled(8, 8, 1, 51), {200, 100, 0});
  EXPECT_EQ(pixel(result, 3, 3), (Pixel{108, 100, 92}));
}

TEST(Overlay, RefusesAMaskOfAnotherSize) {
  EXPECT_THROW(overlay(Image(8, 8, 3), Image(8, 9, 1), {}), std::logic_error);
}

TEST(ContactSheet, FitsImagesIntoTheirCellsKeepingAspect) {
  std::vector<SheetRow> rows(1);
  rows[0].title = "wide and tall";
  rows[0].cells = {filled(40, 20, 1, 0), Image(), filled(10, 20, 3, 0)};
  const std::vector<std::string> titles = {"Photo", "Nothing", "Mask"};
  const Image sheet = contact_sheet(rows, titles, 64);
  const int gap = 6;
  ASSERT_EQ(sheet.width, gap + 3 * (64 + gap));
  const int images_top = gap + kGlyphHeight + gap;
  const auto is_black = [&](int x, int y) { return pixel(sheet, x, images_top + y) == Pixel{0, 0, 0}; };
  EXPECT_TRUE(is_black(gap, 32));  // 64 x 32, in the middle of 64 rows
  EXPECT_TRUE(is_black(gap + 63, 47));
  EXPECT_FALSE(is_black(gap, 15));
  EXPECT_FALSE(is_black(gap, 48));
  const int third = gap + 2 * (64 + gap);
  EXPECT_TRUE(is_black(third + 16, 0));  // 32 x 64
  EXPECT_TRUE(is_black(third + 47, 63));
  EXPECT_FALSE(is_black(third + 15, 32));
  EXPECT_FALSE(is_black(third + 48, 32));
}

TEST(ContactSheet, IsAPageWithoutRowsToo) {
  const Image sheet = contact_sheet({}, {}, 64);
  EXPECT_GT(sheet.width, 0);
  EXPECT_GT(sheet.height, 0);
}

TEST(FitText, CutsWhatIsTooLong) {
  EXPECT_EQ(fit_text("photograph", text_width("photograph", 2), 2), "photograph");
  EXPECT_EQ(fit_text("photograph", text_width("photograp", 2), 2), "photogr..");
  EXPECT_EQ(fit_text("photograph", 10, 2), "");
}

TEST(DrawText, DrawsTheLetterAndStaysInsideTheImage) {
  Image image(7, 8, 3);
  draw_text(image, 0, 0, "LL", 1, {255, 255, 255});
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 7; ++x) {
      const bool ink = y < 7 && (x == 0 || x == 6 || (y == 6 && x < 5));
      EXPECT_EQ(pixel(image, x, y)[0], ink ? 255 : 0) << x << ", " << y;
    }
  }
}

}  // namespace
}  // namespace lockstep::media::draw_test
