#include "lockstep/media/orientation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/exif.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::orientation_test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

/// A block of metadata whose only entry is the orientation, of the type SHORT, little end first.
std::string block_with(int orientation) {
  return std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) + static_cast<char>(orientation) +
         std::string("\0\0\0\0\0\0\0", 7);
}

/// What a JPEG begins with when its APP1 holds this.
Bytes jpeg_with(const std::string& block) {
  const std::size_t length = 2 + 6 + block.size();
  return bytes_of("\xff\xd8\xff\xe1" + std::string{static_cast<char>(length >> 8), static_cast<char>(length)} +
                  std::string("Exif\0\0", 6) + block + "\xff\xda");
}

/// A picture in which every pixel tells where it stands.
Image numbered(ImageSize size, int channels) {
  Image image(size.width, size.height, channels);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
  }
  return image;
}

Image copy_of(const ImageView& view) {
  Image image(view.width, view.height, view.channels);
  for (int y = 0; y < view.height; ++y) {
    std::copy_n(view.row(y), image.row_bytes(), image.row(y));
  }
  return image;
}

TEST(TurnUpright, GivesThePictureThatPillowGives) {
  if (!test::python_has({"PIL", "numpy"})) {
    GTEST_SKIP() << "needs Pillow";
  }
  const test::TempFolder folder;
  const test::ProcessResult made = test::run_python("tests/media/make_turned.py", {folder.path()});
  ASSERT_EQ(made.exit_code, 0) << made.errors;
  std::ifstream cases(folder / "cases.txt");
  std::string name;
  int orientation = 0;
  ImageSize size;
  int count = 0;
  for (; cases >> name >> orientation >> size.width >> size.height; ++count) {
    SCOPED_TRACE(name);
    const Bytes bytes = read_file(folder / name);
    const ImageHeader header = read_image_header(bytes, name);
    EXPECT_EQ(header.orientation, orientation);
    EXPECT_EQ(upright_size(header.size, header.orientation), size);
    const ColorMode mode = name.starts_with("grey") ? ColorMode::kGrey : ColorMode::kRgb;
    const Image upright = turn_upright(decode_image(bytes, mode, name), header.orientation);
    EXPECT_EQ(upright.size(), size);
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(upright.pixels)), read_file(folder / (name + ".upright"))));
  }
  EXPECT_EQ(count, 24);
}

TEST(StoredPart, HoldsThePixelsOfThePartOfTheUprightPicture) {
  const ImageSize size{50, 33};
  for (const int channels : {1, 3, 4}) {
    const Image stored = numbered(size, channels);
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const Image upright = turn_upright(stored, orientation);
      const Rect part{3, 7, 11, 20};
      const Rect stored_rect = stored_part(part, size, orientation);
      Image turned;
      turn_upright(part_of(view_of(stored), stored_rect), orientation, turned);
      EXPECT_EQ(turned.pixels, copy_of(part_of(view_of(upright), part)).pixels) << orientation;
      const Box box = stored_part(Box{3, 7, 11, 20}, size, orientation);
      EXPECT_EQ(box.x, stored_rect.x);
      EXPECT_EQ(box.y, stored_rect.y);
      EXPECT_EQ(box.width, stored_rect.width);
      EXPECT_EQ(box.height, stored_rect.height);
    }
  }
}

TEST(TurnUpright, RefusesWhatIsNoOrientation) {
  EXPECT_THROW(turn_of(0), std::logic_error);
  EXPECT_THROW(turn_of(9), std::logic_error);
}

TEST(JpegOrientation, IsReadFromEitherByteOrder) {
  EXPECT_EQ(jpeg_orientation(jpeg_with(block_with(6))), 6);
  EXPECT_EQ(jpeg_orientation(jpeg_with(std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0", 22))), 5);
}

TEST(JpegOrientation, IsUprightWhereTheMetadataIsBroken) {
  EXPECT_EQ(jpeg_orientation({}), 1);
  EXPECT_EQ(jpeg_orientation(encode_jpeg(numbered({8, 8}, 3), 90)), 1);
  EXPECT_EQ(jpeg_orientation(jpeg_with("")), 1);
  EXPECT_EQ(jpeg_orientation(jpeg_with("neither of the byte orders")), 1);
  for (const int value : {0, 9, 200}) {
    EXPECT_EQ(jpeg_orientation(jpeg_with(block_with(value))), 1);
  }
  std::string far_directory = block_with(6);
  far_directory.replace(4, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(jpeg_orientation(jpeg_with(far_directory)), 1);
  std::string text_instead = block_with(6);
  text_instead[12] = 2;
  EXPECT_EQ(jpeg_orientation(jpeg_with(text_instead)), 1);
  std::string many_entries = block_with(6);
  many_entries.replace(8, 4, "\xff\xff\x11\x01");
  EXPECT_EQ(jpeg_orientation(jpeg_with(many_entries)), 1);
}

TEST(JpegOrientation, EndsForAnyBytes) {
  const Bytes good = jpeg_with(block_with(6));
  for (std::size_t length = 0; length + 8 < good.size(); ++length) {
    EXPECT_EQ(jpeg_orientation(std::span(good).first(length)), 1) << length;
  }
  RandomStream random({29, Purpose::kSelection});
  for (int trial = 0; trial < 20'000; ++trial) {
    Bytes bytes = good;
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
      bytes[2 + random.below(bytes.size() - 2)] = static_cast<std::byte>(random.below(256));
    }
    const int orientation = jpeg_orientation(bytes);
    EXPECT_GE(orientation, 1);
    EXPECT_LE(orientation, 8);
  }
}

TEST(PngOrientation, IsUprightWhereTheChunksAreBroken) {
  EXPECT_EQ(png_orientation({}), 1);
  Bytes bytes = encode_png(numbered({8, 8}, 3));
  EXPECT_EQ(png_orientation(bytes), 1);
  const std::string chunk = std::string("\0\0\0\x1a", 4) + "eXIf" + block_with(8) + "sums";
  const Bytes inserted = bytes_of(chunk);
  bytes.insert(bytes.begin() + 33, inserted.begin(), inserted.end());
  EXPECT_EQ(png_orientation(bytes), 8);
  bytes.resize(33 + 8 + 12);
  EXPECT_EQ(png_orientation(bytes), 1);
  bytes[8] = std::byte{0xff};
  EXPECT_EQ(png_orientation(bytes), 1);
}

}  // namespace
}  // namespace lockstep::media::orientation_test
