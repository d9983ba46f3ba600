#include "lockstep/media/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/media/encode.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::decode_test {
namespace {

using Bytes = std::vector<std::byte>;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Image noisy_image(int width, int height, int channels) {
  RandomStream random({11, Purpose::kSelection});
  Image image(width, height, channels);
  for (std::uint8_t& value : image.pixels) {
    value = static_cast<std::uint8_t>(random.below(256));
  }
  return image;
}

std::string message_of(const Bytes& bytes) {
  try {
    decode_image(bytes, ColorMode::kRgb, "photo.jpg");
  } catch (const DataError& error) {
    return error.what();
  }
  return "decoded";
}

void put_big_endian(Bytes& bytes, std::size_t offset, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) {
    bytes[offset + static_cast<std::size_t>(i)] = static_cast<std::byte>(value >> (8 * (count - 1 - i)));
  }
}

/// The check sum of PNG's chunks, bit by bit (PNG specification, annex D).
std::uint32_t crc32(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
  }
  return ~crc;
}

/// Makes the check sums of a PNG's chunks right again, as far as its chunks can be followed.
void repair_checksums(Bytes& png) {
  const auto byte_at = [&](std::size_t offset) { return std::to_integer<std::size_t>(png[offset]); };
  std::size_t chunk = 8;
  while (chunk + 12 <= png.size()) {
    const std::size_t length =
        byte_at(chunk) << 24 | byte_at(chunk + 1) << 16 | byte_at(chunk + 2) << 8 | byte_at(chunk + 3);
    const std::size_t checksum = chunk + 8 + length;
    if (checksum + 4 > png.size()) {
      return;
    }
    put_big_endian(png, checksum, crc32(std::span(png).subspan(chunk + 4, length + 4)), 4);
    chunk = checksum + 4;
  }
}

/// A PNG of few bytes that claims another size; all else about it is right.
Bytes png_claiming(std::uint32_t width, std::uint32_t height) {
  Bytes bytes = encode_png(noisy_image(8, 8, 3));
  put_big_endian(bytes, 16, width, 4);
  put_big_endian(bytes, 20, height, 4);
  repair_checksums(bytes);
  return bytes;
}

/// The same of a JPEG: the size stands behind the frame's marker, ff c0.
Bytes jpeg_claiming(std::uint32_t width, std::uint32_t height) {
  Bytes bytes = encode_jpeg(noisy_image(8, 8, 3), 90);
  const std::byte marker[] = {std::byte{0xff}, std::byte{0xc0}};
  const auto frame = std::search(bytes.begin(), bytes.end(), std::begin(marker), std::end(marker)) - bytes.begin();
  put_big_endian(bytes, static_cast<std::size_t>(frame) + 5, height, 2);
  put_big_endian(bytes, static_cast<std::size_t>(frame) + 7, width, 2);
  return bytes;
}

/// Flips bits anywhere, many times: each result must be an image or a DataError. `repair` may mend what would give the
/// damage away too early.
void expect_image_or_error(const Bytes& good, const std::function<void(Bytes&)>& repair) {
  RandomStream random({23, Purpose::kSelection, good.size()});
  int errors = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    Bytes bytes = good;
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
      bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1 + random.below(255));
    }
    repair(bytes);
    try {
      const Image image = decode_image(bytes, ColorMode::kRgb, "flipped");
      EXPECT_EQ(image.pixels.size(), image.row_bytes() * static_cast<std::size_t>(image.height));
    } catch (const DataError&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
}

void expect_every_part_refused(const Bytes& whole) {
  EXPECT_EQ(message_of(whole), "decoded");
  for (std::size_t length = 0; length < whole.size(); length += length < 800 ? 1 : 7) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THAT(message_of(part), StartsWith("photo.jpg ")) << "after " << length << " of " << whole.size() << " bytes";
  }
}

TEST(DecodeImage, GivesThePixelsThatPillowGives) {
  if (!test::python_has({"PIL", "numpy"})) {
    GTEST_SKIP() << "needs Pillow";
  }
  const test::TempFolder folder;
  const test::ProcessResult made = test::run_python("tests/media/make_images.py", {folder.path()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  std::ifstream cases(folder / "cases.txt");
  std::string name;
  ImageSize size;
  int count = 0;
  for (; cases >> name >> size.width >> size.height; ++count) {
    SCOPED_TRACE(name);
    const Bytes bytes = read_file(folder / name);
    EXPECT_EQ(read_image_size(bytes, name), size);
    for (const auto& [mode, suffix] : {std::pair(ColorMode::kRgb, ".rgb"), std::pair(ColorMode::kGrey, ".grey")}) {
      const Image image = decode_image(bytes, mode, name);
      const Bytes expected = read_file(folder / (name + suffix));
      EXPECT_EQ(image.size(), size);
      EXPECT_EQ(image.channels, mode == ColorMode::kRgb ? 3 : 1);
      ASSERT_EQ(image.pixels.size(), expected.size());
      int difference = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        difference = std::max(difference, std::abs(image.pixels[i] - std::to_integer<int>(expected[i])));
      }
      EXPECT_EQ(difference, 0) << suffix;
    }
  }
  EXPECT_EQ(count, 29);
}

TEST(DecodePart, GivesThePixelsThatPillowGivesAtASmallerScale) {
  if (!test::python_has({"PIL", "numpy"})) {
    GTEST_SKIP() << "needs Pillow";
  }
  const test::TempFolder folder;
  const test::ProcessResult made = test::run_python("tests/media/make_images.py", {folder.path()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  std::ifstream cases(folder / "reduced.txt");
  std::string name;
  int denominator = 0;
  int count = 0;
  for (; cases >> name >> denominator; ++count) {
    Image image;
    decode_part(read_file(folder / name), {.eighths = kFullSize / denominator}, name, image);
    const Bytes expected = read_file(folder / (name + ".reduced" + std::to_string(denominator)));
    ASSERT_EQ(image.pixels.size(), expected.size()) << name;
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), image.pixels.begin(),
                           [](std::byte a, std::uint8_t b) { return std::to_integer<unsigned>(a) == b; }))
        << name << " / " << denominator;
  }
  EXPECT_EQ(count, 21);
}

TEST(DecodeImage, RefusesWhatIsNoImage) {
  EXPECT_THAT(message_of({}), AllOf(StartsWith("photo.jpg is empty"), HasSubstr("; restore")));
  const std::string prose = "This is not an image but a letter to one.";
  const auto* first = reinterpret_cast<const std::byte*>(prose.data());
  EXPECT_THAT(message_of({first, first + prose.size()}), HasSubstr("neither a JPEG nor a PNG"));
}

TEST(DecodeImage, RefusesEveryTruncatedPng) {
  expect_every_part_refused(encode_png(noisy_image(13, 9, 3)));
  expect_every_part_refused(encode_png(Image(60, 40, 1)));
}

TEST(DecodeImage, RefusesEveryTruncatedJpeg) {
  expect_every_part_refused(encode_jpeg(noisy_image(29, 35, 3), 80));
  expect_every_part_refused(encode_jpeg(Image(60, 40, 1), 80));
}

TEST(DecodeImage, GivesAnImageOrAnErrorForFlippedBits) {
  const auto leave = [](Bytes&) {};
  expect_image_or_error(encode_png(noisy_image(13, 9, 3)), leave);
  expect_image_or_error(encode_png(noisy_image(13, 9, 3)), repair_checksums);
  expect_image_or_error(encode_jpeg(noisy_image(29, 35, 3), 80), leave);
}

TEST(DecodeImage, ToleratesStrayBytesThatCostNoPixels) {
  const Image image = noisy_image(29, 35, 3);
  const Bytes clean = encode_jpeg(image, 80);
  Bytes stray = clean;
  stray.insert(stray.end() - 2, 5, std::byte{0x2a});
  stray.insert(stray.end(), 100, std::byte{0});
  EXPECT_EQ(decode_image(stray, ColorMode::kRgb, "stray").pixels, decode_image(clean, ColorMode::kRgb, "clean").pixels);
}

TEST(DecodeImage, RefusesAbsurdSizesFromTheHeader) {
  for (const Bytes& bytes : {png_claiming(60000, 60000), png_claiming(0x7fffffff, 0x7fffffff), png_claiming(70000, 1),
                             jpeg_claiming(65000, 65000), jpeg_claiming(20000, 10001)}) {
    EXPECT_THAT(message_of(bytes), AllOf(StartsWith("photo.jpg claims to be absurdly large"), HasSubstr("; scale")));
    EXPECT_THROW(read_image_size(bytes, "photo.jpg"), DataError);
  }
}

TEST(DecodeImage, RefusesAPngTooShortForItsSizeBeforeTakingMemory) {
  EXPECT_THAT(message_of(png_claiming(14000, 14000)), HasSubstr("too short for its size"));
}

TEST(DecodeImage, RefusesAJpegTooShortForItsSizeBeforeTakingMemory) {
  EXPECT_THAT(message_of(jpeg_claiming(14000, 14000)), HasSubstr("too short for its size"));
}

TEST(DecodePart, CutsAPngAndPadsIt) {
  for (const int channels : {1, 3}) {
    const Image whole = noisy_image(41, 37, channels);
    const Image rgb = convert(whole, ColorMode::kRgb);
    Image image;
    decode_part(encode_png(whole), {.region = Rect{7, 5, 20, 30}, .padded = true}, "photo.png", image);
    ASSERT_EQ(image.channels, 4);
    ASSERT_EQ(image.size(), (ImageSize{20, 30}));
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        ASSERT_TRUE(std::equal(rgb.at(7 + x, 5 + y), rgb.at(7 + x, 5 + y) + 3, image.at(x, y)));
      }
    }
  }
}

TEST(ReadImageSize, NeedsTheHeaderOnly) {
  for (Bytes bytes : {encode_png(noisy_image(300, 200, 3)), encode_jpeg(noisy_image(300, 200, 3), 80)}) {
    bytes.resize(1000);
    EXPECT_EQ(read_image_size(bytes, "photo"), (ImageSize{300, 200}));
    EXPECT_THROW(decode_image(bytes, ColorMode::kRgb, "photo"), DataError);
  }
}

}  // namespace
}  // namespace lockstep::media::decode_test
