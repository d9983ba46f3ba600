#include "lockstep/media/jpeg_scan.h"

#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/media/jpeg.h"
#include "lockstep/media/jpeg_handle.h"
#include "tests/media/jpeg_samples.h"

namespace lockstep::media::jpeg_scan_test {
namespace {

using Bytes = std::vector<std::byte>;
using test::JpegKind;

const std::vector<test::Sampling> kQuarterColours{{2, 2}, {1, 1}, {1, 1}};

/// What is decoded without libjpeg's own decoder.
std::vector<JpegKind> ordinary_kinds() {
  return {{.name = "4:4:4"},
          {.name = "4:2:2", .sampling = {{2, 1}, {1, 1}, {1, 1}}},
          {.name = "4:2:0", .sampling = kQuarterColours},
          {.name = "mixed", .sampling = {{2, 2}, {1, 2}, {2, 1}}},
          {.name = "grey", .sampling = {{1, 1}}, .stored = JCS_GRAYSCALE},
          {.name = "grey 2x2", .sampling = {{2, 2}}, .stored = JCS_GRAYSCALE},
          {.name = "YCCK", .sampling = {{2, 2}, {1, 1}, {1, 1}, {2, 2}}, .stored = JCS_YCCK},
          {.name = "a restart each row", .sampling = kQuarterColours, .restart_rows = 1},
          {.name = "a restart every three units", .sampling = kQuarterColours, .restart_units = 3},
          {.name = "coarse", .sampling = kQuarterColours, .quality = 5},
          {.name = "blocks without zeros", .quality = 100},
          {.name = "blocks without zeros, own codes", .quality = 100, .own_codes = true},
          {.name = "own codes", .sampling = kQuarterColours, .own_codes = true},
          {.name = "own codes, grey", .sampling = {{1, 1}}, .stored = JCS_GRAYSCALE, .own_codes = true}};
}

Bytes sample_of(const JpegKind& kind, ImageSize size) {
  return test::encode_as(kind, test::make_waves(size, static_cast<int>(kind.sampling.size())));
}

/// The picture, or the message.
struct Outcome {
  Image image;
  std::string message;

  bool operator==(const Outcome& other) const {
    return message == other.message && image.size() == other.image.size() && image.pixels == other.image.pixels;
  }
};

template <typename Decode>
Outcome outcome_of(const Decode& decode, const Bytes& bytes, const DecodeRequest& request) {
  Outcome outcome;
  try {
    decode(bytes, request, "photo.jpg", outcome.image);
  } catch (const DataError& error) {
    outcome = {{}, error.what()};
  }
  return outcome;
}

bool is_as_by_libjpeg(const Bytes& bytes, const DecodeRequest& request) {
  return outcome_of(decode_jpeg_part, bytes, request) == outcome_of(decode_part_by_libjpeg, bytes, request);
}

TEST(JpegScan, DecodesEveryOrdinaryPictureToItsEnd) {
  for (const JpegKind& kind : ordinary_kinds()) {
    const Bytes bytes = sample_of(kind, {97, 83});
    const std::string name = "photo.jpg";
    JpegScan scan;
    JpegHandle jpeg(bytes, name);
    jpeg.read_header();
    jpeg_decompress_struct& info = jpeg.info();
    jpeg.run([&] { jpeg_start_decompress(&info); });
    const auto* const of_libjpeg = info.entropy;
    scan.install(info);
    EXPECT_NE(info.entropy, of_libjpeg) << kind.name;
    std::vector<std::uint8_t> row(std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components));
    JSAMPROW rows[] = {row.data()};
    EXPECT_NO_THROW(jpeg.run([&] {
      while (info.output_scanline < info.output_height) {
        jpeg_read_scanlines(&info, rows, 1);
      }
      jpeg_finish_decompress(&info);
    })) << kind.name;
    EXPECT_FALSE(scan.has_given_up()) << kind.name;
  }
}

TEST(JpegScan, LeavesOtherPicturesToLibjpeg) {
  for (const JpegKind& kind :
       {JpegKind{.name = "progressive", .progressive = true}, JpegKind{.name = "arithmetic", .arithmetic = true},
        JpegKind{.name = "one scan a component", .interleaved = false}}) {
    const Bytes bytes = sample_of(kind, {61, 43});
    const std::string name = "photo.jpg";
    JpegScan scan;
    JpegHandle jpeg(bytes, name);
    jpeg.read_header();
    jpeg.run([&] { jpeg_start_decompress(&jpeg.info()); });
    const auto* const of_libjpeg = jpeg.info().entropy;
    scan.install(jpeg.info());
    EXPECT_EQ(jpeg.info().entropy, of_libjpeg) << kind.name;
  }
}

TEST(JpegScan, GivesTheBitsOfLibjpeg) {
  for (const JpegKind& kind : ordinary_kinds()) {
    for (const ImageSize size : {ImageSize{97, 83}, ImageSize{64, 96}, ImageSize{18, 5}, ImageSize{1, 1}}) {
      const Bytes bytes = sample_of(kind, size);
      for (int eighths = 1; eighths <= kFullSize; ++eighths) {
        const ImageSize whole = reduced(size, eighths);
        const Rect region{whole.width / 3, whole.height / 3, (whole.width + 2) / 3, (whole.height + 2) / 3};
        EXPECT_TRUE(is_as_by_libjpeg(bytes, {.eighths = eighths})) << kind.name << " at " << eighths;
        EXPECT_TRUE(is_as_by_libjpeg(bytes, {.eighths = eighths, .region = region})) << kind.name << " at " << eighths;
      }
    }
  }
}

TEST(JpegScan, MeetsDamageAsLibjpegDoes) {
  RandomStream random({7, Purpose::kSelection});
  for (const JpegKind& kind : ordinary_kinds()) {
    const Bytes whole = sample_of(kind, {97, 83});
    for (int i = 0; i < 300; ++i) {
      Bytes bytes = whole;
      const std::size_t place = random.below(bytes.size());
      const std::byte values[] = {std::byte{0}, std::byte{0xff}, std::byte{0xd0}, bytes[place] ^ std::byte{16}};
      bytes[place] = values[i % 4];
      EXPECT_TRUE(is_as_by_libjpeg(bytes, {})) << kind.name << ", byte " << place << " changed, " << i;
      bytes = whole;
      bytes.resize(place);
      EXPECT_TRUE(is_as_by_libjpeg(bytes, {})) << kind.name << ", cut at " << place;
    }
  }
}

TEST(JpegScan, PassesOverWhatStandsBeforeAMarker) {
  const Bytes whole = sample_of({.sampling = kQuarterColours, .restart_units = 3}, {97, 83});
  for (std::size_t i = 0; i + 1 < whole.size(); ++i) {
    const auto marker = std::to_integer<int>(whole[i + 1]);
    if (whole[i] == std::byte{0xff} && ((marker >= 0xd0 && marker <= 0xd7) || marker == 0xd9)) {
      for (const Bytes& between : {Bytes{std::byte{0xff}}, Bytes{std::byte{1}, std::byte{2}}}) {
        Bytes bytes = whole;
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(i), between.begin(), between.end());
        EXPECT_EQ(outcome_of(decode_jpeg_part, bytes, {}), outcome_of(decode_jpeg_part, whole, {})) << i;
      }
    }
  }
}

}  // namespace
}  // namespace lockstep::media::jpeg_scan_test
