#include "lockstep/data/episode_views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lockstep/base/files.h"
#include "lockstep/data/box_folders.h"
#include "lockstep/data/box_frame.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/resize.h"
#include "tests/support/photographs.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data {
namespace {

constexpr int kSize = 64;

/// How far two pictures are apart, in grey levels.
struct Difference {
  double most = 0;
  double mean = 0;
};

Difference difference(const std::vector<std::uint8_t>& one, const std::vector<std::uint8_t>& other) {
  EXPECT_EQ(one.size(), other.size());
  Difference result;
  for (std::size_t i = 0; i < one.size(); ++i) {
    const double apart = std::abs(static_cast<double>(one[i]) - other[i]);
    result.most = std::max(result.most, apart);
    result.mean += apart / static_cast<double>(one.size());
  }
  return result;
}

/// The plain way: decodes all of the file, puts grey around it, cuts, scales.
std::vector<std::uint8_t> plain_crop(const std::filesystem::path& file, const media::Rect& crop, int size) {
  const media::Image all = media::decode_image(read_file(file), media::ColorMode::kRgb, file.string());
  media::Image cut(crop.width, crop.height, 3);
  std::ranges::fill(cut.pixels, kOutsideGrey);
  for (int y = std::max(crop.y, 0); y < std::min(crop.y + crop.height, all.height); ++y) {
    for (int x = std::max(crop.x, 0); x < std::min(crop.x + crop.width, all.width); ++x) {
      std::copy_n(all.at(x, y), 3, cut.at(x - crop.x, y - crop.y));
    }
  }
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 3);
  media::resize(cut, {0, 0, crop.width, crop.height}, size, size, false, pixels);
  return pixels;
}

std::vector<std::uint8_t> pixels_for(int side) {
  return std::vector<std::uint8_t>(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
}

/// A file in which to look for supports and queries.
class EpisodeViews : public testing::Test {
 protected:
  void write(media::ImageSize size, bool as_jpeg) {
    file_ = folder_ / (as_jpeg ? "photo.jpg" : "photo.png");
    const media::Image photo = test::make_photograph(3, size);
    write_file_atomically(file_, as_jpeg ? media::encode_jpeg(photo, 90) : media::encode_png(photo));
    source_.open(file_);
  }

  /// Where in the file the support's square lies, as its box tells.
  static media::Rect square_of(const ObjectBox& box, const media::Box& seen, int size) {
    const double scale = seen.width / (box.x1 - box.x0);
    const auto whole = [](double value) {
      EXPECT_NEAR(value, std::round(value), 1e-6);
      return static_cast<int>(std::lround(value));
    };
    const int side = whole(size / scale);
    return {whole(box.x0 - seen.x / scale), whole(box.y0 - seen.y / scale), side, side};
  }

  test::TempFolder folder_;
  std::filesystem::path file_;
  SourceImage source_;
};

TEST_F(EpisodeViews, ASupportEqualsThePlainWay) {
  for (const bool as_jpeg : {true, false}) {
    write({321, 203}, as_jpeg);
    const ObjectBox boxes[] = {{.x0 = 100, .y0 = 60, .x1 = 130.5, .y1 = 110.25},
                               {.x0 = 0, .y0 = 0, .x1 = 20, .y1 = 33},
                               {.x0 = 290, .y0 = 170, .x1 = 321, .y1 = 203},
                               {.x0 = 150, .y0 = 190, .x1 = 190, .y1 = 203},
                               {.x0 = 200.2, .y0 = 100.1, .x1 = 200.4, .y1 = 100.3}};
    for (const ObjectBox& box : boxes) {
      SCOPED_TRACE(testing::Message() << file_ << ' ' << box.x0);
      std::vector<std::uint8_t> pixels = pixels_for(kSize);
      const media::Box seen = load_support(source_, box, {}, kSize, pixels);
      const media::Rect square = square_of(box, seen, kSize);
      const double longer = std::max(box.x1 - box.x0, box.y1 - box.y0);
      EXPECT_NEAR(square.width, std::max(1.0, 2 * longer), 0.51);
      EXPECT_NEAR(seen.x + seen.width / 2, kSize / 2.0, 0.51 * kSize / square.width);
      EXPECT_NEAR(seen.y + seen.height / 2, kSize / 2.0, 0.51 * kSize / square.width);
      EXPECT_LE(difference(pixels, plain_crop(file_, square, kSize)).most, 2);
    }
  }
}

TEST_F(EpisodeViews, ALargeSupportNearlyEqualsThePlainWay) {
  write({1601, 1203}, true);
  const ObjectBox boxes[] = {{.x0 = 500, .y0 = 300, .x1 = 803, .y1 = 700},
                             {.x0 = 3, .y0 = 5, .x1 = 1590, .y1 = 1200},
                             {.x0 = 1301, .y0 = 900, .x1 = 1601, .y1 = 1203}};
  for (const ObjectBox& box : boxes) {
    SCOPED_TRACE(box.x0);
    std::vector<std::uint8_t> pixels = pixels_for(kSize);
    const media::Box seen = load_support(source_, box, {}, kSize, pixels);
    const Difference apart = difference(pixels, plain_crop(file_, square_of(box, seen, kSize), kSize));
    EXPECT_LE(apart.mean, 1);
    EXPECT_LE(apart.most, 16);  // at the picture's edge, whose last pixel may be a part of one
  }
}

TEST_F(EpisodeViews, ASupportMovesAsItsViewSays) {
  write({320, 200}, false);
  const ObjectBox box{.x0 = 150, .y0 = 90, .x1 = 170, .y1 = 100};
  std::vector<std::uint8_t> pixels = pixels_for(kSize);
  const media::Box seen = load_support(source_, box, {.context = 4, .shift_x = 0.1, .shift_y = -0.2}, kSize, pixels);
  EXPECT_NEAR(seen.width, kSize / 4.0, 0.5);
  EXPECT_NEAR(seen.x + seen.width / 2, kSize * (0.5 - 0.1), 1);
  EXPECT_NEAR(seen.y + seen.height / 2, kSize * (0.5 + 0.2), 1);
  EXPECT_LE(difference(pixels, plain_crop(file_, square_of(box, seen, kSize), kSize)).most, 2);
}

TEST_F(EpisodeViews, AQueryLiesUpperLeftInItsOwnShape) {
  const std::pair<media::ImageSize, bool> files[] = {
      {{200, 120}, false}, {{90, 210}, false}, {{100, 72}, true}, {{40, 40}, true}, {{1000, 700}, true}};
  for (const auto& [size, as_jpeg] : files) {
    SCOPED_TRACE(testing::Message() << size.width << 'x' << size.height);
    write(size, as_jpeg);
    std::vector<std::uint8_t> pixels = pixels_for(kSize);
    const media::Rect whole{0, 0, size.width, size.height};
    const QueryPlace place = load_query(source_, whole, kSize, pixels);
    const media::Box seen = to_seen(place, kSize, {0, 0, 1.0 * size.width, 1.0 * size.height});
    const auto width = static_cast<int>(std::lround(seen.width));
    const auto height = static_cast<int>(std::lround(seen.height));
    EXPECT_EQ(std::max(width, height), kSize);
    EXPECT_NEAR(seen.width / seen.height, static_cast<double>(size.width) / size.height, 0.03);
    const media::Image all = media::decode_image(read_file(file_), media::ColorMode::kRgb, file_.string());
    media::Image plain(width, height, 3);
    media::resize(all, whole, width, height, false, plain.pixels);
    std::vector<std::uint8_t> expected = pixels_for(kSize);
    std::ranges::fill(expected, kOutsideGrey);
    for (int y = 0; y < height; ++y) {
      std::copy_n(plain.row(y), plain.row_bytes(), expected.begin() + std::ptrdiff_t{3} * kSize * y);
    }
    const Difference apart = difference(pixels, expected);
    EXPECT_LE(apart.mean, 1);
    EXPECT_LE(apart.most, size.width < 1000 ? 2 : 16);  // a large JPEG is decoded at a part of its size
  }
}

TEST_F(EpisodeViews, ACropOfAQueryFillsItsSquare) {
  write({400, 300}, false);
  std::vector<std::uint8_t> pixels = pixels_for(kSize);
  const media::Rect crop{100, 50, 120, 120};
  const QueryPlace place = load_query(source_, crop, kSize, pixels);
  EXPECT_LE(difference(pixels, plain_crop(file_, crop, kSize)).most, 2);
  const media::Box seen = to_seen(place, kSize, {100, 50, 120, 120});
  EXPECT_NEAR(seen.x, 0, 1e-4);
  EXPECT_NEAR(seen.width, kSize, 1e-4);
}

TEST(QueryPlace, LeadsBackToThePicture) {
  for (const float flipped : {0.0F, 1.0F}) {
    const QueryPlace place{.scale_x = 0.25F, .scale_y = 0.5F, .offset_x = -8, .offset_y = 3, .flipped = flipped};
    const media::Box seen = to_seen(place, 100, {40, 20, 16, 30});
    EXPECT_EQ(seen.x, flipped != 0 ? 100 - 2 - 4 : 2);
    EXPECT_EQ(seen.y, 13);
    const media::Box back = to_original(place, 100, seen);
    EXPECT_EQ(back.x, 40);
    EXPECT_EQ(back.y, 20);
    EXPECT_EQ(back.width, 16);
    EXPECT_EQ(back.height, 30);
  }
}

double longer_side(const ObjectBox& box) { return std::max(box.x1 - box.x0, box.y1 - box.y0); }

TEST(EpisodeViewsOfRealPhotographs, EqualThePlainWay) {
  const std::filesystem::path chess = test::shared_data("chess");
  if (chess.empty()) {
    GTEST_SKIP() << "needs the shared data";
  }
  constexpr int kSupportSize = 128;
  const BoxSet set = read_box_set(chess);
  SourceImage source;
  std::size_t exact = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const BoxedImage& image = set.splits.at(0).images.at(7 * i);
    source.open(image.file);
    const std::vector<ObjectBox> boxes = placed_on(source.header(), image).boxes;
    const ObjectBox& box = i % 2 == 0 ? boxes.at(0) : *std::ranges::min_element(boxes, {}, longer_side);
    std::vector<std::uint8_t> pixels = pixels_for(kSupportSize);
    const media::Box seen = load_support(source, box, {}, kSupportSize, pixels);
    const double scale = seen.width / (box.x1 - box.x0);
    const auto whole = [](double value) { return static_cast<int>(std::lround(value)); };
    const int side = whole(kSupportSize / scale);
    const media::Rect square{whole(box.x0 - seen.x / scale), whole(box.y0 - seen.y / scale), side, side};
    const Difference apart = difference(pixels, plain_crop(image.file, square, kSupportSize));
    EXPECT_LE(apart.mean, 1) << image.file << ' ' << side;
    if (side < 8 * kSupportSize) {  // decoded at its full size
      EXPECT_LE(apart.most, 2) << image.file << ' ' << side;
      ++exact;
    }
  }
  EXPECT_GE(exact, 5U);
}

}  // namespace
}  // namespace lockstep::data
