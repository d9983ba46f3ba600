#include "lockstep/media/tiff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::tiff_test {
namespace {

using Bytes = std::vector<std::byte>;
using ::testing::AllOf;
using ::testing::HasSubstr;

Bytes read_all(const TiffVolume& volume) {
  Bytes voxels(volume.bytes());
  volume.read_slices(0, volume.shape().depth, voxels);
  return voxels;
}

/// The message of the error; "read" where there is none.
std::string tiff_message(const std::filesystem::path& path) {
  try {
    read_all(TiffVolume(path));
  } catch (const DataError& error) {
    return error.what();
  }
  return "read";
}

std::vector<std::uint8_t> sample_voxels(const VolumeShape& shape) {
  std::vector<std::uint8_t> voxels(static_cast<std::size_t>(shape.voxels()));
  for (std::size_t i = 0; i < voxels.size(); ++i) {
    voxels[i] = static_cast<std::uint8_t>(i % 17 < 9 ? 0 : i * 31 / 7);
  }
  return voxels;
}

/// A page of one strip: header, 11 entries, no more; what it says can be spoiled.
Bytes tiny_tiff(std::uint32_t width, std::uint32_t height, std::uint16_t compression, std::uint32_t strip_bytes) {
  Bytes file;
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      file.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  };
  const auto entry = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
    put(tag, 2);
    put(type, 2);
    put(1, 4);
    put(value, 4);
  };
  put(0x002A4949, 4);
  put(8, 4);
  put(8, 2);
  entry(TIFFTAG_IMAGEWIDTH, 4, width);
  entry(TIFFTAG_IMAGELENGTH, 4, height);
  entry(TIFFTAG_BITSPERSAMPLE, 3, 8);
  entry(TIFFTAG_COMPRESSION, 3, compression);
  entry(TIFFTAG_PHOTOMETRIC, 3, PHOTOMETRIC_MINISBLACK);
  entry(TIFFTAG_STRIPOFFSETS, 4, 8 + 2 + 8 * 12 + 4);
  entry(TIFFTAG_ROWSPERSTRIP, 4, height);
  entry(TIFFTAG_STRIPBYTECOUNTS, 4, strip_bytes);
  put(0, 4);
  file.resize(file.size() + 64);
  return file;
}

std::string tiny_message(const Bytes& file) {
  try {
    read_all(TiffVolume(file, "tiny.tif"));
  } catch (const DataError& error) {
    return error.what();
  }
  return "read";
}

/// Files that other programs have written, in a folder that is made once.
class ForeignTiff : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (test::python_has({"tifffile", "PIL", "numpy"})) {
      folder_ = std::make_unique<test::TempFolder>();
      const test::ProcessResult made = test::run_python("tests/media/make_volumes.py", {folder_->path()});
      ASSERT_EQ(made.exit_code, 0) << made.errors;
    }
  }
  static void TearDownTestSuite() { folder_.reset(); }

  void SetUp() override {
    if (folder_ == nullptr) {
      GTEST_SKIP() << "needs tifffile and Pillow";
    }
  }

  static std::unique_ptr<test::TempFolder> folder_;
};

std::unique_ptr<test::TempFolder> ForeignTiff::folder_;

TEST_F(ForeignTiff, HasTheVoxelsThatItsWriterPutIn) {
  std::ifstream cases(*folder_ / "cases.txt");
  std::string name;
  VolumeShape shape;
  std::size_t bits = 0;
  int count = 0;
  int raw = 0;
  for (; cases >> name >> shape.depth >> shape.height >> shape.width >> bits; ++count) {
    SCOPED_TRACE(name);
    const Bytes expected = read_file(*folder_ / (name + ".raw"));
    const Bytes file = read_file(*folder_ / (name + ".tif"));
    const TiffVolume volume(*folder_ / (name + ".tif"));
    ASSERT_EQ(volume.shape(), shape);
    ASSERT_EQ(8 * bytes_of(volume.type()), bits);
    ASSERT_TRUE(read_all(volume) == expected);
    EXPECT_TRUE(read_all(TiffVolume(file, name)) == expected);
    const std::size_t slice_bytes = expected.size() / static_cast<std::size_t>(shape.depth);
    for (std::int64_t z = 0; z < shape.depth; ++z) {
      const std::byte* slice = expected.data() + static_cast<std::size_t>(z) * slice_bytes;
      if (const auto offset = volume.raw_offset(z)) {
        EXPECT_EQ(std::memcmp(file.data() + *offset, slice, slice_bytes), 0);
        ++raw;
      }
      Bytes alone(slice_bytes);
      volume.read_slices(z, 1, alone);
      EXPECT_EQ(std::memcmp(alone.data(), slice, slice_bytes), 0);
    }
  }
  EXPECT_EQ(count, 48);
  // tifffile's raw ones and BigTIFF, in strips or not, of 8 bits in both orders and 16 bits in this machine's; some of
  // Pillow's; the single slice.
  EXPECT_GE(raw, 5 * 9);
}

TEST_F(ForeignTiff, IsRefusedWithTheReasonWhereItIsNoVolumeOfGreyLevels) {
  const auto message = [](const char* name) { return tiff_message(*folder_ / "bad" / (std::string(name) + ".tif")); };
  const std::string remedy = "; save it as grey levels of 8 or 16 bits without sign, one slice a page";
  EXPECT_THAT(message("colour"), AllOf(HasSubstr("page 1 of "), HasSubstr("bad/colour.tif has colours or other "
                                                                          "channels (3 values a voxel)" +
                                                                          remedy)));
  EXPECT_THAT(message("palette"), HasSubstr("palette.tif has a palette of colours" + remedy));
  EXPECT_THAT(message("float"), HasSubstr("float.tif has floating-point values" + remedy));
  EXPECT_THAT(message("complex"), HasSubstr("complex.tif has complex values" + remedy));
  EXPECT_THAT(message("signed"), HasSubstr("signed.tif has values with a sign" + remedy));
  EXPECT_THAT(message("bits32"), HasSubstr("bits32.tif has 32 bits a voxel" + remedy));
  EXPECT_THAT(message("bits1"), HasSubstr("bits1.tif has 1 bits a voxel" + remedy));
  EXPECT_THAT(message("inverted"), HasSubstr("inverted.tif has inverted grey levels (0 is white)" + remedy));
  EXPECT_THAT(message("volumetric"), HasSubstr("volumetric.tif has several slices in one page" + remedy));
  EXPECT_THAT(message("jpeg"), HasSubstr("jpeg.tif is compressed by a coding (JPEG) that is not read here; save it "
                                         "without compression, or with LZW, deflate or PackBits"));
  EXPECT_THAT(message("other_page"), AllOf(HasSubstr("page 3 of "),
                                           HasSubstr("other_page.tif has 20x30 voxels of 8 bits, but page 1 has 37x53 "
                                                     "of 8; all pages of a volume must be alike")));
  EXPECT_THAT(message("other_bits"),
              HasSubstr("other_bits.tif has 37x53 voxels of 16 bits, but page 1 has 37x53 of 8"));
  EXPECT_THAT(message("imagej_one_page"), HasSubstr("says that it has 320 slices, but there is one page"));
  EXPECT_THAT(message("not_tiff"), HasSubstr("not_tiff.tif is not a TIFF file, whatever its name says; convert it"));
  EXPECT_THAT(message("none"), HasSubstr("cannot read '"));
}

TEST_F(ForeignTiff, NeverGivesVoxelsOfAFileThatIsCut) {
  const test::TempFolder folder;
  for (const char* name : {"deflate_strips_8_little_endian", "raw_16_little_endian", "big_deflate_tiles_8_big_endian",
                           "pillow_tiff_lzw_8", "pillow_packbits_16"}) {
    const Bytes file = read_file(*folder_ / (std::string(name) + ".tif"));
    const Bytes expected = read_file(*folder_ / (std::string(name) + ".raw"));
    const std::filesystem::path cut = folder / "cut.tif";
    int refused = 0;
    for (std::size_t length = 0; length < file.size(); length += 1 + file.size() / 701) {
      write_file_atomically(cut, std::span(file).first(length));
      const std::string message = tiff_message(cut);
      if (message != "read") {
        ++refused;
        EXPECT_THAT(message, HasSubstr(cut.string()));
        continue;
      }
      // What is lost may be padding behind the last voxels.
      EXPECT_TRUE(read_all(TiffVolume(cut)) == expected) << name << " at " << length;
    }
    EXPECT_GT(refused, 600) << name;
  }
}

TEST(TiffVolume, IsRefusedWhereItEndsInTheHeaderOfItsLastPage) {
  const VolumeShape shape{2, 8, 8};
  TiffEncoder encoder(shape, TiffCompression::kNone);
  encoder.put(std::vector<std::uint8_t>(128, 7));
  const Bytes file = encoder.finish();
  // The header lies at the end; its last four bytes are the place of the next one.
  for (std::size_t lost = 0; lost < 40; ++lost) {
    const std::string message = tiny_message(Bytes(file.begin(), file.end() - static_cast<std::ptrdiff_t>(lost)));
    EXPECT_EQ(message == "read", lost == 0) << lost << ": " << message;
  }
}

TEST(TiffVolume, OfDeflatedDataNeverGivesOthersThanItsVoxels) {
  const VolumeShape shape{1, 30, 40};
  const std::vector<std::uint8_t> voxels = sample_voxels(shape);
  TiffEncoder encoder(shape, TiffCompression::kDeflate);
  encoder.put(voxels);
  Bytes file = encoder.finish();
  Bytes read(voxels.size());
  int refused = 0;
  for (std::byte& spoiled : file) {
    const std::byte right = std::exchange(spoiled, spoiled ^ std::byte{0x44});
    try {
      const TiffVolume volume(file, "spoiled");
      if (volume.shape() == shape && volume.type() == VoxelType::kUInt8 && !volume.raw_offset(0)) {
        std::ranges::fill(read, std::byte{0xCD});
        volume.read_slices(0, 1, read);
        EXPECT_EQ(std::memcmp(read.data(), voxels.data(), read.size()), 0) << &spoiled - file.data();
      }
    } catch (const DataError&) {
      ++refused;
    }
    spoiled = right;
  }
  EXPECT_GT(refused, 100);
}

TEST_F(ForeignTiff, SaysWhichPageIsGarbled) {
  const test::TempFolder folder;
  Bytes file = read_file(*folder_ / "deflate_8_little_endian.tif");
  const std::size_t strip = TiffVolume(*folder_ / "raw_8_little_endian.tif").bytes() / 5;
  ASSERT_GT(strip, 0U);
  TIFF* tiff = TIFFOpen((*folder_ / "deflate_8_little_endian.tif").c_str(), "r");
  ASSERT_NE(tiff, nullptr);
  TIFFSetDirectory(tiff, 3);
  const std::size_t place = TIFFGetStrileOffset(tiff, 0);
  TIFFClose(tiff);
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(place) + 2, 40, std::byte{0xA5});
  write_file_atomically(folder / "garbled.tif", file);
  const TiffVolume volume(folder / "garbled.tif");
  Bytes slice(strip);
  EXPECT_NO_THROW(volume.read_slices(2, 1, slice));
  EXPECT_THAT(tiff_message(folder / "garbled.tif"),
              AllOf(HasSubstr("page 4 of " + (folder / "garbled.tif").string() + " cannot be decoded as TIFF ("),
                    HasSubstr("copy it again from its source")));
}

TEST(TiffVolume, IsReadByManyThreadsAtOnce) {
  const test::TempFolder folder;
  const VolumeShape shape{24, 61, 83};
  const std::vector<std::uint8_t> voxels = sample_voxels(shape);
  write_tiff(folder / "volume.tif", voxels, shape);
  const TiffVolume volume(folder / "volume.tif");
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        Bytes two(2 * static_cast<std::size_t>(shape.slice_voxels()));
        for (std::int64_t i = 0; i < 60; ++i) {
          const std::int64_t z = (i * 7 + thread) % (shape.depth - 1);
          volume.read_slices(z, 2, two);
          wrong += std::memcmp(two.data(), voxels.data() + z * shape.slice_voxels(), two.size()) != 0 ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

/// One tile or strip, as libtiff writes it.
void write_tiled(const std::filesystem::path& path, const std::vector<std::uint16_t>& voxels, std::uint32_t width,
                 std::uint32_t height) {
  constexpr std::uint32_t kTile = 32;
  TIFF* tiff = TIFFOpen(path.c_str(), "wb");
  ASSERT_NE(tiff, nullptr);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 16);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
  TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, kTile);
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, kTile);
  std::uint32_t number = 0;
  for (std::uint32_t y = 0; y < height; y += kTile) {
    for (std::uint32_t x = 0; x < width; x += kTile) {
      std::vector<std::uint16_t> tile(kTile * kTile);
      for (std::uint32_t i = 0; i < kTile * kTile; ++i) {
        if (y + i / kTile < height && x + i % kTile < width) {
          tile[i] = voxels[(y + i / kTile) * width + x + i % kTile];
        }
      }
      ASSERT_GT(TIFFWriteEncodedTile(tiff, number++, tile.data(), static_cast<tmsize_t>(2 * tile.size())), 0);
    }
  }
  TIFFClose(tiff);
}

TEST(TiffVolume, ReadsTilesOfLzwWithAPredictorInForeignByteOrder) {
  const test::TempFolder folder;
  std::vector<std::uint16_t> voxels(70 * 45);
  std::iota(voxels.begin(), voxels.end(), std::uint16_t{900});
  write_tiled(folder / "tiles.tif", voxels, 70, 45);
  const TiffVolume volume(folder / "tiles.tif");
  EXPECT_EQ(volume.shape(), (VolumeShape{1, 45, 70}));
  const Bytes read = read_all(volume);
  EXPECT_EQ(std::memcmp(read.data(), voxels.data(), read.size()), 0);
}

TEST(TiffVolume, IsRefusedBeforeMemoryIsTakenWhereItClaimsMoreThanItCanHave) {
  EXPECT_EQ(tiny_message(tiny_tiff(8, 8, COMPRESSION_NONE, 64)), "read");
  EXPECT_THAT(tiny_message(tiny_tiff(100'000, 8, COMPRESSION_NONE, 64)),
              HasSubstr("page 1 of tiny.tif claims to be absurdly large: 100000 x 8 pixels"));
  EXPECT_THAT(tiny_message(tiny_tiff(60'000, 3'000, COMPRESSION_NONE, 64)),
              HasSubstr("(the file ends at byte 174, its voxels do not)"));
  EXPECT_THAT(tiny_message(tiny_tiff(60'000, 3'000, COMPRESSION_ADOBE_DEFLATE, 64)),
              HasSubstr("page 1 of tiny.tif cannot be decoded as TIFF (too short for its size); it is truncated"));
  EXPECT_THAT(tiny_message(tiny_tiff(60'000, 3'000, COMPRESSION_LZW, 64)), HasSubstr("(too short for its size)"));
  EXPECT_THAT(tiny_message(tiny_tiff(8, 8, COMPRESSION_LZW, 65)),
              HasSubstr("(the file ends at byte 174, its voxels do not)"));
  EXPECT_THAT(tiny_message(tiny_tiff(8, 0, COMPRESSION_NONE, 64)), HasSubstr("cannot be decoded as TIFF"));
}

TEST(TiffVolume, IsRefusedWhereItsPagesGoInACircle) {
  Bytes file = tiny_tiff(8, 8, COMPRESSION_NONE, 64);
  file[8 + 2 + 8 * 12] = std::byte{8};  // the page behind it is itself
  EXPECT_THAT(tiny_message(file), HasSubstr("page 2 of tiny.tif cannot be decoded as TIFF"));
}

TEST(TiffVolume, SaysThatAFileIsEmpty) {
  const test::TempFolder folder;
  write_file_atomically(folder / "empty.tif", "");
  EXPECT_THAT(tiff_message(folder / "empty.tif"), HasSubstr("empty.tif is empty; restore the file or remove it"));
}

TEST(TiffVolume, IsAnErrorWhereTheFileIsAnotherOneThanBefore) {
  const test::TempFolder folder;
  write_tiff(folder / "a.tif", sample_voxels({3, 20, 30}), {3, 20, 30}, TiffCompression::kNone);
  const TiffVolume volume(folder / "a.tif");
  write_tiff(folder / "a.tif", sample_voxels({3, 30, 20}), {3, 30, 20}, TiffCompression::kNone);
  Bytes voxels(volume.bytes());
  EXPECT_THROW(volume.read_slices(0, 3, voxels), DataError);
}

// ---- writing

TEST(WriteTiff, IsReadBackByUsAndByOthersToTheSameVoxels) {
  const test::TempFolder folder;
  const VolumeShape shape{4, 300, 1100};  // of several strips
  const std::vector<std::uint8_t> voxels = sample_voxels(shape);
  for (const auto& [compression, name] :
       {std::pair(TiffCompression::kNone, "none.tif"), std::pair(TiffCompression::kLzw, "lzw.tif"),
        std::pair(TiffCompression::kDeflate, "deflate.tif")}) {
    write_tiff(folder / name, voxels, shape, compression);
    const TiffVolume volume(folder / name);
    EXPECT_EQ(volume.shape(), shape);
    const Bytes read = read_all(volume);
    EXPECT_EQ(std::memcmp(read.data(), voxels.data(), read.size()), 0) << name;
  }
  EXPECT_LT(std::filesystem::file_size(folder / "deflate.tif"), std::filesystem::file_size(folder / "none.tif") / 3);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 3);
  if (!test::python_has({"PIL", "numpy"})) {
    GTEST_SKIP() << "needs Pillow for the other half";
  }
  write_file_atomically(folder / "voxels.raw", std::as_bytes(std::span(voxels)));
  for (const char* name : {"none.tif", "lzw.tif", "deflate.tif"}) {
    const test::ProcessResult same =
        test::run_python("tests/media/same_volume.py", {folder / name, folder / "voxels.raw", "4", "300", "1100"});
    EXPECT_EQ(same.exit_code, 0) << name << ": " << same.errors;
  }
}

TEST(WriteTiff, GivesTheSameBytesHoweverTheSlicesCome) {
  const VolumeShape shape{6, 40, 50};
  const std::vector<std::uint8_t> voxels = sample_voxels(shape);
  TiffEncoder at_once(shape, TiffCompression::kDeflate);
  at_once.put(voxels);
  TiffEncoder in_parts(shape, TiffCompression::kDeflate);
  in_parts.put(std::span(voxels).first(40 * 50));
  in_parts.put(std::span(voxels).subspan(40 * 50));
  EXPECT_EQ(at_once.finish(), in_parts.finish());
}

TEST(WriteTiff, LeavesTheOldFileWhereTheDiskIsFull) {
  const test::TempFolder folder;
  const VolumeShape shape{2, 10, 10};
  write_tiff(folder / "a.tif", sample_voxels(shape), shape);
  const Bytes before = read_file(folder / "a.tif");
  let_writes_fail();
  EXPECT_THROW(write_tiff(folder / "a.tif", std::vector<std::uint8_t>(200), shape), MachineError);
  let_writes_fail(0);
  EXPECT_EQ(read_file(folder / "a.tif"), before);
}

TEST(SharedVolumes, AreReadAsTheyAre) {
  const std::filesystem::path shared = test::shared_data("tiff16");
  if (shared.empty()) {
    GTEST_SKIP() << "needs shared/data";
  }
  const TiffVolume volume(shared / "img3d.tif");
  EXPECT_EQ(volume.shape(), (VolumeShape{31, 61, 57}));
  EXPECT_EQ(volume.type(), VoxelType::kUInt16);
  EXPECT_EQ(TiffVolume(shared / "mask3d.tif").shape(), volume.shape());
  EXPECT_NO_THROW(read_all(volume));
  const TiffVolume membranes(test::shared_data("vnc") / "train_images/1000.tif");
  EXPECT_EQ(membranes.shape(), (VolumeShape{20, 512, 512}));
  EXPECT_EQ(read_all(membranes).size(), 20U * 512 * 512);
}

}  // namespace
}  // namespace lockstep::media::tiff_test
