// Runs the built program on datasets in which something is broken or missing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <span>
#include <string_view>

#include "lockstep/media/encode.h"
#include "tests/program/small_run.h"

namespace lockstep::program::bad_data_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadData : public SmallRun {};

/// A PNG whose header claims this size.
std::vector<std::byte> png_that_claims(std::uint32_t width, std::uint32_t height) {
  std::vector<std::byte> png = media::encode_png(test::make_photograph(0, {8, 8}));
  const auto put = [&](std::size_t offset, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i) {
      png[offset + i] = static_cast<std::byte>(number >> (24 - 8 * i));
    }
  };
  // The header's chunk: length at 8, "IHDR" at 12, width at 16, height at 20, up to the check sum at 29.
  put(16, width);
  put(20, height);
  put(29, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(png.data()) + 12, 17)));
  return png;
}

std::vector<std::byte> first_half(std::vector<std::byte> bytes) {
  bytes.resize(bytes.size() / 2);
  return bytes;
}

std::vector<std::byte> garbled(std::vector<std::byte> bytes) {
  for (std::size_t i = 60; i < bytes.size(); i += 7) {
    bytes[i] ^= std::byte{0x5a};
  }
  return bytes;
}

std::vector<std::byte> words_as_bytes(std::string_view words) {
  const auto bytes = std::as_bytes(std::span(words));
  return {bytes.begin(), bytes.end()};
}

TEST_F(BadData, BrokenImagesAmongGoodOnesAreNamed) {
  const std::vector<std::byte> png = read_file(dataset() / "train/images/photo-01.png");
  const std::vector<std::byte> jpeg = read_file(dataset() / "train/images/photo-02.jpg");
  struct Broken {
    std::string file;
    std::vector<std::byte> content;
  };
  const std::vector<Broken> all = {
      {"train/images/photo-01.png", {}},
      {"train/images/photo-01.png", first_half(png)},
      {"train/images/photo-02.jpg", first_half(jpeg)},
      {"train/images/photo-01.png", garbled(png)},
      {"train/images/photo-02.jpg", words_as_bytes("not a photograph, but a text")},
      {"train/images/photo-01.png", png_that_claims(60000, 60000)},
      {"train/masks/photo-01.png", {}},
      {"test/images/photo-09.png", garbled(png)},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const std::vector<std::byte> good = read_file(dataset() / all[i].file);
    write_file_atomically(dataset() / all[i].file, all[i].content);
    expect_error(run(training({}, "run-" + std::to_string(i))), kData, HasSubstr(all[i].file));
    write_file_atomically(dataset() / all[i].file, good);
  }
}

TEST_F(BadData, AnImageIsWhatItsBytesSayWhateverItsName) {
  write_file_atomically(dataset() / "train/images/photo-02.jpg", media::encode_png(test::make_photograph(2, {58, 54})));
  EXPECT_EQ(run(training({"--max-steps", "4"})).exit_code, kFinished);
}

TEST_F(BadData, ABrokenImageToPredictIsNamed) {
  ASSERT_EQ(run(training({"--max-steps", "1"})).exit_code, kFinished);
  const path broken = dataset() / "test/images/photo-09.png";
  write_file_atomically(broken, png_that_claims(60000, 60000));
  expect_error(run({"predict", "camouflage", "--checkpoint-dir", run_folder(), "--input", dataset() / "test/images"}),
               kData, HasSubstr(broken.string()));
}

TEST_F(BadData, AMaskThatDoesNotFitOrIsMissingIsNamed) {
  const path mask = dataset() / "train/masks/photo-03.png";
  write_file_atomically(mask, media::encode_png(test::make_mask(3, {20, 30})));
  expect_error(run(training()), kData, AllOf(HasSubstr(mask.string()), HasSubstr("20x30")));
  std::filesystem::remove(mask);
  expect_error(run(training()), kData, AllOf(HasSubstr("without a mask"), HasSubstr("photo-03")));
}

TEST_F(BadData, AMissingDatasetIsNamed) {
  expect_error(run({"train", "camouflage", "--dataset-path", in_folder("nowhere")}), kData,
               HasSubstr(in_folder("nowhere").string()));
}

}  // namespace
}  // namespace lockstep::program::bad_data_test
