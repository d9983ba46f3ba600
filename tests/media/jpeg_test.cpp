#include "lockstep/media/jpeg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/media/encode.h"
#include "tests/media/jpeg_samples.h"

namespace lockstep::media::jpeg_test {
namespace {

using Bytes = std::vector<std::byte>;
using test::JpegKind;
using ::testing::HasSubstr;

std::vector<JpegKind> every_kind() {
  const std::vector<test::Sampling> of_420{{2, 2}, {1, 1}, {1, 1}};
  std::vector<JpegKind> kinds{{.name = "4:4:4"},
                              {.name = "4:2:2", .sampling = {{2, 1}, {1, 1}, {1, 1}}},
                              {.name = "4:2:0", .sampling = of_420},
                              {.name = "4:4:0", .sampling = {{1, 2}, {1, 1}, {1, 1}}},
                              {.name = "4:1:1", .sampling = {{4, 1}, {1, 1}, {1, 1}}},
                              {.name = "4:1:0", .sampling = {{4, 2}, {1, 1}, {1, 1}}},
                              {.name = "2x4", .sampling = {{2, 4}, {1, 1}, {1, 1}}},
                              {.name = "3x1", .sampling = {{3, 1}, {1, 1}, {1, 1}}},
                              {.name = "mixed", .sampling = {{2, 2}, {1, 2}, {2, 1}}},
                              {.name = "4x1 and 2x1", .sampling = {{4, 1}, {2, 1}, {1, 1}}},
                              {.name = "grey", .sampling = {{1, 1}}, .stored = JCS_GRAYSCALE},
                              {.name = "grey 2x2", .sampling = {{2, 2}}, .stored = JCS_GRAYSCALE},
                              {.name = "RGB", .stored = JCS_RGB},
                              {.name = "CMYK", .sampling = {{1, 1}, {1, 1}, {1, 1}, {1, 1}}, .stored = JCS_CMYK},
                              {.name = "YCCK", .sampling = {{2, 2}, {1, 1}, {1, 1}, {2, 2}}, .stored = JCS_YCCK},
                              {.name = "restarts", .sampling = of_420, .restart_rows = 1},
                              {.name = "arithmetic", .sampling = of_420, .arithmetic = true},
                              {.name = "one scan a component", .sampling = of_420, .interleaved = false}};
  for (const std::string name : {"4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "4:1:0", "grey", "YCCK", "arithmetic"}) {
    JpegKind kind = *std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.name == name; });
    kind.name = "progressive " + name;
    kind.progressive = true;
    kinds.push_back(kind);
  }
  for (const int scans : {1, 4, 7}) {
    kinds.push_back({.name = "progressive, " + std::to_string(scans) + " scans",
                     .sampling = of_420,
                     .progressive = true,
                     .scans = scans});
  }
  return kinds;
}

Bytes sample_of(const JpegKind& kind, ImageSize size) {
  const int channels = kind.sampling.size() == 2 ? 3 : static_cast<int>(kind.sampling.size());
  return test::encode_as(kind, test::make_waves(size, channels));
}

Image decode(const Bytes& bytes, const DecodeRequest& request) {
  Image image;
  decode_jpeg_part(bytes, request, "photo.jpg", image);
  return image;
}

std::string message_of(const Bytes& bytes, const DecodeRequest& request = {}) {
  try {
    decode(bytes, request);
  } catch (const DataError& error) {
    return error.what();
  }
  return "decoded";
}

/// Regions that begin in every column and in every row, each with some of many widths or heights, at every place of the
/// other axis.
std::vector<Rect> regions_all_over(ImageSize size) {
  std::vector<Rect> regions;
  for (int x = 0; x < size.width; ++x) {
    const int rest = size.width - x;
    for (const int width : {1 + x % 5, x % 2 == 0 ? 16 : rest - 1, rest}) {
      const int y = (x * 7 + width) % size.height;
      if (width > 0 && width <= rest) {
        regions.push_back({x, y, width, std::min(size.height - y, 1 + (x + width) % 4)});
      }
    }
  }
  for (int y = 0; y < size.height; ++y) {
    const int rest = size.height - y;
    for (const int height : {1 + y % 5, y % 2 == 0 ? 16 : rest - 1, rest}) {
      const int x = (y * 5 + height) % size.width;
      if (height > 0 && height <= rest) {
        regions.push_back({x, y, std::min(size.width - x, 1 + (y + height) % 40), height});
      }
    }
  }
  return regions;
}

bool equal_to_part(const Image& image, const Image& whole, Rect region) {
  const ImageView expected = part_of(view_of(whole), region);
  for (int y = 0; y < region.height; ++y) {
    if (!std::equal(image.row(y), image.row(y) + image.row_bytes(), expected.row(y))) {
      return false;
    }
  }
  return image.size() == ImageSize{region.width, region.height} && image.channels == whole.channels;
}

/// How many of the regions differ from the same part of the whole picture.
int count_differing(const Bytes& bytes, DecodeRequest request) {
  const Image whole = decode(bytes, request);
  Image image;
  int differing = 0;
  for (const Rect& region : regions_all_over(whole.size())) {
    request.region = region;
    decode_jpeg_part(bytes, request, "photo.jpg", image);
    differing += equal_to_part(image, whole, region) ? 0 : 1;
  }
  return differing;
}

TEST(DecodeJpegPart, GivesTheBitsOfTheWholePicture) {
  for (const JpegKind& kind : every_kind()) {
    for (const ImageSize size : {ImageSize{97, 83}, ImageSize{64, 96}, ImageSize{35, 33}, ImageSize{18, 5}}) {
      const Bytes bytes = sample_of(kind, size);
      for (int eighths = 1; eighths <= kFullSize; ++eighths) {
        EXPECT_EQ(count_differing(bytes, {.eighths = eighths}), 0)
            << kind.name << " " << size.width << "x" << size.height << " at " << eighths << "/8";
      }
    }
  }
}

TEST(DecodeJpegPart, GivesTheBitsOfTheWholePictureInGreyAndPadded) {
  for (const JpegKind& kind : every_kind()) {
    const Bytes bytes = sample_of(kind, {53, 37});
    EXPECT_EQ(count_differing(bytes, {.mode = ColorMode::kGrey}), 0) << kind.name;
    EXPECT_EQ(count_differing(bytes, {.padded = true}), 0) << kind.name;
    const Image plain = decode(bytes, {});
    const Image padded = decode(bytes, {.padded = true});
    ASSERT_EQ(padded.channels, 4);
    for (int y = 0; y < plain.height; ++y) {
      for (int x = 0; x < plain.width; ++x) {
        ASSERT_TRUE(std::equal(plain.at(x, y), plain.at(x, y) + 3, padded.at(x, y))) << kind.name;
      }
    }
  }
}

TEST(DecodeJpegPart, HasTheReducedSize) {
  const Bytes bytes = sample_of({.sampling = {{2, 2}, {1, 1}, {1, 1}}}, {97, 83});
  for (int eighths = 1; eighths <= kFullSize; ++eighths) {
    EXPECT_EQ(decode(bytes, {.eighths = eighths}).size(), reduced({97, 83}, eighths));
  }
}

TEST(DecodeJpegPart, UsesTheImagesMemoryAgain) {
  const Bytes bytes = sample_of({}, {97, 83});
  Image image;
  decode_jpeg_part(bytes, {}, "photo.jpg", image);
  const std::uint8_t* memory = image.pixels.data();
  decode_jpeg_part(bytes, {.region = Rect{3, 5, 40, 30}}, "photo.jpg", image);
  decode_jpeg_part(bytes, {}, "photo.jpg", image);
  EXPECT_EQ(image.pixels.data(), memory);
}

TEST(DecodeJpegPart, SeesDamageInsideOfTheRegionAndReadsNothingBelowIt) {
  const Bytes whole = sample_of({.sampling = {{2, 2}, {1, 1}, {1, 1}}}, {320, 320});
  const Bytes half(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 2));
  const Rect above{16, 16, 200, 80};
  EXPECT_THAT(message_of(half), HasSubstr("Premature end"));
  EXPECT_THAT(message_of(half, {.region = Rect{0, 0, 320, 320}}), HasSubstr("Premature end"));
  EXPECT_THAT(message_of(half, {.region = Rect{16, 200, 200, 80}}), HasSubstr("Premature end"));
  EXPECT_EQ(decode(half, {.region = above}).pixels, decode(whole, {.region = above}).pixels);
}

TEST(DecodeJpegPart, RefusesAWholePictureWithoutAnEnd) {
  for (const bool progressive : {false, true}) {
    Bytes bytes = sample_of({.progressive = progressive}, {61, 43});
    bytes.resize(bytes.size() - 2);
    EXPECT_THAT(message_of(bytes), HasSubstr("Premature end"));
  }
}

TEST(DecodeJpegPart, DoesNotDecodeWithTheTablesOfAnotherImage) {
  const Bytes whole = sample_of({}, {61, 43});
  ASSERT_EQ(message_of(whole), "decoded");
  Bytes bare;
  for (std::size_t i = 0; i < whole.size();) {
    const auto marker = i + 1 < whole.size() ? std::to_integer<int>(whole[i + 1]) : 0;
    const bool quantization = whole[i] == std::byte{0xff} && marker == 0xdb;
    if (quantization) {
      i += 2 + (std::to_integer<std::size_t>(whole[i + 2]) << 8) + std::to_integer<std::size_t>(whole[i + 3]);
    } else {
      bare.push_back(whole[i++]);
    }
  }
  ASSERT_LT(bare.size(), whole.size());
  EXPECT_THAT(message_of(bare), HasSubstr("Quantization table"));
}

TEST(DecodeJpegPart, RefusesMoreScansThanAnyImageHas) {
  const Bytes whole = sample_of({.sampling = {{1, 1}}, .stored = JCS_GRAYSCALE, .progressive = true}, {16, 16});
  const auto find = [&](Bytes::const_iterator from, int marker) {
    const std::byte pattern[] = {std::byte{0xff}, static_cast<std::byte>(marker)};
    return std::search(from, whole.end(), std::begin(pattern), std::end(pattern));
  };
  const auto first_scan = find(whole.begin(), 0xda);
  const auto next_tables = find(first_scan, 0xc4);
  Bytes many(whole.begin(), first_scan);
  for (int i = 0; i < 600; ++i) {
    many.insert(many.end(), first_scan, next_tables);
  }
  many.insert(many.end(), next_tables, whole.end());
  EXPECT_THAT(message_of(many), HasSubstr("Too many scans"));
}

}  // namespace
}  // namespace lockstep::media::jpeg_test
