#include "lockstep/media/png.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/png_fast.h"
#include "lockstep/media/png_libpng.h"
#include "lockstep/media/png_unfilter.h"
#include "tests/support/photographs.h"
#include "tests/support/png_builder.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::png_test {
namespace {

using Bytes = std::vector<std::byte>;
using test::PngBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Each byte is 0 often enough that whole blocks of a row are, or anything.
std::vector<std::uint8_t> filtered_bytes(RandomStream& random, std::size_t count) {
  const std::uint64_t kind = random.below(3);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) {
    const bool is_odd = kind == 2 || (kind == 1 && random.below(25) == 0);
    byte = is_odd ? static_cast<std::uint8_t>(random.below(256)) : 0;
  }
  return bytes;
}

/// The filters as section 9 of the specification writes them.
std::uint8_t unfiltered(int filter, int value, int left, int above, int upper_left) {
  if (filter == 1) {
    value += left;
  } else if (filter == 2) {
    value += above;
  } else if (filter == 3) {
    value += (left + above) / 2;
  } else if (filter == 4) {
    const int guess = left + above - upper_left;
    const int to_left = std::abs(guess - left);
    const int to_above = std::abs(guess - above);
    const int to_upper_left = std::abs(guess - upper_left);
    value += to_left <= to_above && to_left <= to_upper_left ? left : to_above <= to_upper_left ? above : upper_left;
  }
  return static_cast<std::uint8_t>(value);
}

TEST(UnfilterRow, UndoesEveryFilterAsTheSpecificationDoes) {
  RandomStream random({1, Purpose::kSelection});
  for (int trial = 0; trial < 4000; ++trial) {
    const int filter = trial % 5;
    const int pixel_bytes = 1 + trial / 5 % 4;
    const std::size_t count = static_cast<std::size_t>(pixel_bytes) * (1 + random.below(80));
    std::vector<std::uint8_t> above = filtered_bytes(random, count);
    std::vector<std::uint8_t> row = filtered_bytes(random, count);
    std::vector<std::uint8_t> expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_first = i < static_cast<std::size_t>(pixel_bytes);
      const std::size_t left = i - static_cast<std::size_t>(pixel_bytes);
      expected[i] = unfiltered(filter, row[i], is_first ? 0 : expected[left], above[i], is_first ? 0 : above[left]);
    }
    above.resize(count + kUnfilterPadding);
    row.resize(count + kUnfilterPadding);
    ASSERT_TRUE(unfilter_row(filter, above.data(), row.data(), count, pixel_bytes));
    row.resize(count);
    ASSERT_EQ(row, expected) << "filter " << filter << ", " << pixel_bytes << " bytes a pixel, trial " << trial;
  }
}

TEST(UnfilterRow, FindsThePaethPredictorOfAllNeighbours) {
  int wrong = 0;
  for (int left = 0; left < 256; ++left) {
    for (int upper_left = 0; upper_left < 256; ++upper_left) {
      for (int up = 0; up < 256; ++up) {
        // The first byte of the row comes to `left` over an upper left one of 0, whatever stands above.
        const std::uint8_t above[] = {static_cast<std::uint8_t>(upper_left), static_cast<std::uint8_t>(up), 0};
        std::uint8_t row[] = {static_cast<std::uint8_t>(left - upper_left), 0, 0};
        unfilter_row(4, above, row, 2, 1);
        wrong += row[0] != left || row[1] != unfiltered(4, 0, left, up, upper_left);
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

/// What Pillow makes of a case, as an image of the size of the one that it is compared with.
Image pillow_image(const std::filesystem::path& path, const Image& like) {
  Image image = like;
  const Bytes bytes = read_file(path);
  EXPECT_EQ(bytes.size(), image.pixels.size());
  std::transform(bytes.begin(), bytes.end(), image.pixels.begin(), [](std::byte b) { return std::uint8_t(b); });
  return image;
}

Image part_copy(const Image& image, Rect part) {
  Image copy(part.width, part.height, image.channels);
  const ImageView view = part_of(view_of(image), part);
  for (int y = 0; y < part.height; ++y) {
    std::copy_n(view.row(y), copy.row_bytes(), copy.row(y));
  }
  return copy;
}

TEST(DecodePngPart, GivesThePixelsThatPillowGivesByBothDecoders) {
  if (!test::python_has({"PIL", "numpy"})) {
    GTEST_SKIP() << "needs Pillow";
  }
  const test::TempFolder folder;
  const test::ProcessResult made = test::run_python("tests/media/make_pngs.py", {folder.path()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  std::ifstream cases(folder / "cases.txt");
  int count = 0;
  Image image;  // one for all, to see that nothing of an earlier picture stays
  for (std::string name; cases >> name; ++count) {
    SCOPED_TRACE(name);
    const Bytes bytes = read_file(folder / name);
    for (const auto& [mode, suffix] : {std::pair(ColorMode::kRgb, ".rgb"), std::pair(ColorMode::kGrey, ".grey")}) {
      decode_png_with_libpng(bytes, {.mode = mode}, name, image);
      const Image expected = pillow_image(folder / (name + suffix), image);
      ASSERT_EQ(image.pixels, expected.pixels) << suffix;
      EXPECT_EQ(decode_png_fast(bytes, {.mode = mode}, image), name.find("transparent") == std::string::npos);
      for (const Rect part : {Rect{0, 0, 203, 97}, Rect{0, 0, 1, 1}, Rect{202, 96, 1, 1}, Rect{13, 5, 101, 50},
                              Rect{7, 60, 3, 37}, Rect{1, 0, 202, 97}}) {
        const Image expected_part = part_copy(expected, part);
        decode_png_part(bytes, {.mode = mode, .region = part}, name, image);
        ASSERT_EQ(image.size(), expected_part.size());
        ASSERT_EQ(image.pixels, expected_part.pixels) << suffix << " from " << part.x << ", " << part.y;
        decode_png_with_libpng(bytes, {.mode = mode, .region = part}, name, image);
        ASSERT_EQ(image.pixels, expected_part.pixels) << suffix << " from " << part.x << ", " << part.y;
      }
    }
  }
  EXPECT_EQ(count, 17);
}

TEST(DecodePngPart, PadsColoursWhereThatIsAskedFor) {
  const PngLayout rgba{2, 1, 8, PngColour::kRgbAlpha};
  Bytes row;
  for (const int value : {0, 10, 20, 30, 7, 40, 50, 60, 8}) {
    row.push_back(static_cast<std::byte>(value));
  }
  const Bytes colour = PngBuilder().header(rgba).rows(row).end().bytes();
  const Bytes grey =
      PngBuilder().header(9, 1, 1, PngColour::kGrey).rows(Bytes{std::byte{0}, std::byte{64}, {}}).end().bytes();
  for (const bool fast : {true, false}) {
    Image image;
    const auto decode = [&](const Bytes& png, const DecodeRequest& request) {
      fast ? static_cast<void>(decode_png_fast(png, request, image))
           : decode_png_with_libpng(png, request, "photo.png", image);
    };
    decode(colour, {.padded = true});
    EXPECT_EQ(image.channels, 4);
    EXPECT_THAT(image.pixels, ElementsAre(10, 20, 30, 255, 40, 50, 60, 255));
    decode(grey, {.region = Rect{0, 0, 2, 1}, .padded = true});
    EXPECT_THAT(image.pixels, ElementsAre(0, 0, 0, 255, 255, 255, 255, 255));
    decode(grey, {.mode = ColorMode::kGrey, .region = Rect{0, 0, 2, 1}, .padded = true});
    EXPECT_THAT(image.pixels, ElementsAre(0, 255));
  }
}

TEST(DecodePngPart, KeepsTheMemoryOfTheImage) {
  const Bytes bytes = encode_png(test::make_photograph(1, {80, 60}));
  Image image;
  decode_png_part(bytes, {}, "photo.png", image);
  const std::uint8_t* pixels = image.pixels.data();
  decode_png_part(bytes, {.region = Rect{10, 10, 30, 20}}, "photo.png", image);
  EXPECT_EQ(image.pixels.data(), pixels);
  decode_png_part(bytes, {}, "photo.png", image);
  EXPECT_EQ(image.pixels.data(), pixels);
}

// ---- bad files

Image decode_mask(const Bytes& bytes) {
  Image mask;
  decode_png_part(bytes, {.mode = ColorMode::kGrey}, "mask.png", mask);
  return mask;
}

/// The message of the error; "decoded" where there is none.
std::string png_message(const Bytes& bytes) {
  try {
    decode_mask(bytes);
  } catch (const DataError& error) {
    return error.what();
  }
  return "decoded";
}

/// Rows without a filter, all zeros.
Bytes empty_rows(const PngLayout& layout) {
  return Bytes((layout.row_bytes() + 1) * static_cast<std::size_t>(layout.height));
}

constexpr PngLayout kGreyMask{40, 30, 8, PngColour::kGrey};
constexpr PngLayout kPaletteMask{40, 30, 4, PngColour::kPalette};

PngBuilder grey_mask() { return PngBuilder().header(kGreyMask).rows(empty_rows(kGreyMask)); }

TEST(DecodePng, RefusesAFileCutAtEveryChunkBorder) {
  const Bytes stream = PngBuilder::deflated(empty_rows(kPaletteMask));
  const std::span<const std::byte> whole(stream);
  const Bytes png = PngBuilder()
                        .header(kPaletteMask)
                        .chunk("PLTE", Bytes(9))
                        .chunk("IDAT", whole.first(5))
                        .chunk("IDAT", whole.subspan(5))
                        .chunk("tEXt", Bytes(7, std::byte{'a'}))
                        .end()
                        .bytes();
  EXPECT_EQ(png_message(png), "decoded");
  const std::vector<std::size_t> borders = test::chunk_borders(png);
  ASSERT_EQ(borders.size(), 7U);
  EXPECT_EQ(borders.back(), png.size());
  for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
    const Bytes part(png.begin(), png.begin() + static_cast<std::ptrdiff_t>(borders[i]));
    EXPECT_THAT(png_message(part), HasSubstr("mask.png cannot be decoded as PNG (Premature end of PNG file)")) << i;
  }
}

TEST(DecodePng, RefusesAWrongCheckSumOfChunksThatMatter) {
  const Bytes png = PngBuilder()
                        .header(kPaletteMask)
                        .chunk("tEXt", Bytes(7, std::byte{'a'}))
                        .chunk("PLTE", Bytes(9))
                        .rows(empty_rows(kPaletteMask))
                        .end()
                        .bytes();
  const std::vector<std::size_t> borders = test::chunk_borders(png);
  std::vector<std::string> messages;
  for (std::size_t i = 1; i < borders.size(); ++i) {
    Bytes wrong = png;
    wrong[borders[i] - 1] ^= std::byte{1};
    const std::string message = png_message(wrong);
    messages.push_back(message.substr(0, message.find(");")));
  }
  const std::string start = "mask.png cannot be decoded as PNG (";
  EXPECT_THAT(messages, ElementsAre(start + "IHDR: CRC error", "decoded", start + "PLTE: CRC error",
                                    start + "IDAT: CRC error", start + "IEND: CRC error"));
}

TEST(DecodePng, RefusesHeadersThatMakeNoSense) {
  const Bytes rows = empty_rows(kGreyMask);
  for (const PngBuilder& header :
       {PngBuilder().header(0, 30, 8, PngColour::kGrey), PngBuilder().header(40, 0, 8, PngColour::kGrey),
        PngBuilder().header(40, 30, 3, PngColour::kGrey), PngBuilder().header(40, 30, 4, PngColour::kRgb),
        PngBuilder().header(40, 30, 16, PngColour::kPalette), PngBuilder().header(40, 30, 8, PngColour{1}),
        PngBuilder().header(40, 30, 8, PngColour::kGrey, 2)}) {
    const Bytes png = PngBuilder(header).rows(rows).end().bytes();
    EXPECT_THAT(png_message(png), HasSubstr("mask.png cannot be decoded as PNG (Invalid IHDR data)"));
    EXPECT_THROW(read_png_size(png, "mask.png"), DataError);
  }
}

TEST(DecodePng, RefusesDataThatIsTooShortOrDamaged) {
  Bytes rows = empty_rows(kGreyMask);
  rows.resize(rows.size() - 1);
  EXPECT_THAT(png_message(PngBuilder().header(kGreyMask).rows(rows).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (Not enough image data)"));
  rows = empty_rows(kGreyMask);
  rows[41 * 29] = std::byte{5};  // the filter of the last row
  EXPECT_THAT(png_message(PngBuilder().header(kGreyMask).rows(rows).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (bad adaptive filter value)"));
  Bytes stream = PngBuilder::deflated(empty_rows(kGreyMask));
  stream.back() ^= std::byte{1};  // the check sum of the rows
  EXPECT_THAT(png_message(PngBuilder().header(kGreyMask).chunk("IDAT", stream).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (IDAT: incorrect data check)"));
}

TEST(DecodePng, RefusesDistancesBeyondTheWindowOfTheStream) {
  const PngLayout layout{300, 2, 8, PngColour::kGrey};
  RandomStream random({3, Purpose::kSelection});
  Bytes rows(301);
  std::generate(rows.begin() + 1, rows.end(), [&] { return static_cast<std::byte>(random.below(256)); });
  rows.insert(rows.end(), rows.begin(), rows.begin() + 301);  // the second row is a copy out of the first
  Bytes stream = PngBuilder::deflated(rows);
  EXPECT_EQ(png_message(PngBuilder().header(layout).chunk("IDAT", stream).end().bytes()), "decoded");
  stream[0] = std::byte{0x08};  // a window of 256 bytes
  stream[1] = std::byte{0x1d};  // with this both are a multiple of 31
  EXPECT_THAT(png_message(PngBuilder().header(layout).chunk("IDAT", stream).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (IDAT: invalid distance too far back)"));
}

TEST(DecodePng, RefusesDamageOutsideOfTheRegion) {
  for (const int depth : {8, 16}) {
    Bytes rows((40 * static_cast<std::size_t>(depth) / 8 + 1) * 30);
    rows[rows.size() / 30 * 29] = std::byte{5};  // the filter of the last row
    const Bytes png = PngBuilder().header(40, 30, depth, PngColour::kGrey).rows(rows).end().bytes();
    Image image;
    EXPECT_THROW(decode_png_part(png, {.region = Rect{0, 0, 3, 3}}, "mask.png", image), DataError) << depth;
  }
}

TEST(DecodePng, RefusesAWrongLengthOfTheData) {
  const Bytes png = PngBuilder(grey_mask()).end().bytes();
  const std::size_t length = test::chunk_borders(png)[1] + 3;
  for (const int difference : {-3, -1, 1, 3, 90}) {
    Bytes wrong = png;
    wrong[length] = static_cast<std::byte>(std::to_integer<int>(wrong[length]) + difference);
    EXPECT_THAT(png_message(wrong), HasSubstr("mask.png cannot be decoded as PNG (")) << difference;
  }
}

TEST(DecodePng, RefusesMissingAndUnknownParts) {
  const Bytes zeros = empty_rows(kGreyMask);
  EXPECT_THAT(png_message(PngBuilder().header(kGreyMask).chunk("ABCD", {}).rows(zeros).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (ABCD: unhandled critical chunk)"));
  EXPECT_THAT(png_message(PngBuilder().header(kGreyMask).end().bytes()), HasSubstr("mask.png cannot be decoded"));
  const Bytes rows = empty_rows(kPaletteMask);
  EXPECT_THAT(png_message(PngBuilder().header(kPaletteMask).rows(rows).end().bytes()),
              HasSubstr("IDAT: Missing PLTE before IDAT"));
}

TEST(DecodePng, PassesOverWhatIsNotAskedFor) {
  const std::vector<std::uint8_t> pixels(40 * 30);
  Bytes trailing = PngBuilder(grey_mask()).end().bytes();
  trailing.insert(trailing.end(), 1000, std::byte{0x2a});
  EXPECT_EQ(decode_mask(trailing).pixels, pixels);
  EXPECT_EQ(decode_mask(PngBuilder(grey_mask()).chunk("prVt", Bytes(9)).end().bytes()).pixels, pixels);
  Bytes longer = empty_rows(kGreyMask);
  longer.resize(longer.size() + 500);
  EXPECT_EQ(decode_mask(PngBuilder().header(kGreyMask).rows(longer).end().bytes()).pixels, pixels);
}

TEST(DecodePng, PaintsWhatIsBeyondThePaletteBlack) {
  Bytes rows = empty_rows(kPaletteMask);
  rows[1] = std::byte{0x12};  // the first pixel has the second colour, the next one has none
  const Bytes palette{std::byte{9}, std::byte{9}, std::byte{9}, std::byte{50}, std::byte{60}, std::byte{70}};
  const Bytes png = PngBuilder().header(kPaletteMask).chunk("PLTE", palette).rows(rows).end().bytes();
  for (const bool fast : {true, false}) {
    Image image;
    fast ? static_cast<void>(decode_png_fast(png, {}, image)) : decode_png_with_libpng(png, {}, "mask.png", image);
    ASSERT_EQ(image.pixels.size(), 3U * 40 * 30);
    image.pixels.resize(9);
    EXPECT_THAT(image.pixels, ElementsAre(50, 60, 70, 0, 0, 0, 9, 9, 9)) << fast;
  }
}

TEST(DecodePng, RefusesBombsBeforeMemoryIsTaken) {
  const PngLayout layout{60000, 60000, 1, PngColour::kGrey};
  EXPECT_THAT(png_message(PngBuilder().header(layout).rows(Bytes(7501 * 100)).end().bytes()),
              HasSubstr("mask.png claims to be absurdly large: 60000 x 60000 pixels"));
  // Deflated as far as it goes, though not nearly as large as the header says.
  EXPECT_THAT(png_message(PngBuilder().header(14000, 14000, 8, PngColour::kRgb).rows(Bytes(1 << 20)).end().bytes()),
              HasSubstr("mask.png cannot be decoded as PNG (too short for its size)"));
  // Much larger than the header says: no more is inflated than the image needs.
  Image image;
  const Bytes png = PngBuilder().header(kGreyMask).rows(Bytes(std::size_t{50} << 20)).end().bytes();
  EXPECT_FALSE(decode_png_fast(png, {.mode = ColorMode::kGrey}, image));
  EXPECT_EQ(decode_mask(png).size(), (ImageSize{40, 30}));
}

}  // namespace
}  // namespace lockstep::media::png_test
