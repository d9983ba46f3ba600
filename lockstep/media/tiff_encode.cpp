#include <algorithm>
#include <new>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/media/tiff.h"
#include "lockstep/media/tiff_handle.h"

namespace lockstep::media {
namespace {

/// A file in memory that grows.
class GrowingBytes : public TiffBytes {
 public:
  std::uint64_t size() const override { return content.size(); }

  std::size_t read(std::uint64_t from, std::span<std::byte> target) override {
    return TiffMemoryBytes(content).read(from, target);
  }

  std::size_t write(std::uint64_t to, std::span<const std::byte> source) override {
    content.resize(std::max<std::size_t>(content.size(), to + source.size()));
    std::ranges::copy(source, content.begin() + static_cast<std::ptrdiff_t>(to));
    return source.size();
  }

  std::vector<std::byte> content;
};

/// Strips of about so many bytes: readers decode one at a time.
constexpr std::int64_t kStripBytes = 1 << 18;

/// What a TIFF of 32-bit offsets holds, less some room for headers.
constexpr std::int64_t kClassicBytes = 3'900'000'000;

std::uint16_t number_of(TiffCompression compression) {
  switch (compression) {
    case TiffCompression::kNone:
      return COMPRESSION_NONE;
    case TiffCompression::kLzw:
      return COMPRESSION_LZW;
    case TiffCompression::kDeflate:
      return COMPRESSION_ADOBE_DEFLATE;
  }
  LOCKSTEP_ASSERT(false, "unknown compression");
}

}  // namespace

struct TiffEncoder::State {
  VolumeShape shape;
  TiffCompression compression;
  std::int64_t slices = 0;  ///< that are put
  GrowingBytes bytes;
  TiffHandle tiff;

  void require(bool is_done) const {
    if (is_done) {
      return;
    }
    throw MachineError(
        text("a volume cannot be written as TIFF (", bytes.exception ? "out of memory" : bytes.message, ")"),
        "free some memory, or write smaller volumes");
  }

  void put_slice(std::span<const std::uint8_t> voxels) {
    const std::int64_t rows = std::clamp<std::int64_t>(kStripBytes / shape.width, 1, shape.height);
    TIFF* file = tiff.get();
    TIFFSetField(file, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(shape.width));
    TIFFSetField(file, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(shape.height));
    TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(file, TIFFTAG_COMPRESSION, number_of(compression));
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(rows));
    const auto strip_bytes = static_cast<std::size_t>(rows * shape.width);
    for (std::uint32_t strip = 0; !voxels.empty(); ++strip) {
      const std::span<const std::uint8_t> part = voxels.first(std::min(strip_bytes, voxels.size()));
      // libtiff only reads from it, whatever its type says.
      auto* data = const_cast<std::uint8_t*>(part.data());
      require(TIFFWriteEncodedStrip(file, strip, data, static_cast<tmsize_t>(part.size())) >= 0);
      voxels = voxels.subspan(part.size());
    }
    require(TIFFWriteDirectory(file) == 1);
    ++slices;
  }
};

TiffEncoder::TiffEncoder(const VolumeShape& shape, TiffCompression compression)
    : state_(std::make_unique<State>(State{shape, compression, 0, {}, {}})) {
  LOCKSTEP_ASSERT(shape.voxels() > 0, "a volume without voxels");
  // Little-endian on every machine.
  state_->tiff = open_tiff(state_->bytes, shape.voxels() > kClassicBytes ? "wl8" : "wl");
  state_->require(state_->tiff != nullptr);
}

TiffEncoder::~TiffEncoder() = default;

void TiffEncoder::put(std::span<const std::uint8_t> slices) {
  const auto slice_voxels = static_cast<std::size_t>(state_->shape.slice_voxels());
  LOCKSTEP_ASSERT(slices.size() % slice_voxels == 0, "a part of a slice");
  for (; !slices.empty(); slices = slices.subspan(slice_voxels)) {
    LOCKSTEP_ASSERT(state_->slices < state_->shape.depth, "more slices than the volume has");
    state_->put_slice(slices.first(slice_voxels));
  }
}

std::vector<std::byte> TiffEncoder::finish() {
  LOCKSTEP_ASSERT(state_->slices == state_->shape.depth, "slices are missing");
  state_->tiff.reset();
  state_->require(!state_->bytes.exception);
  return std::move(state_->bytes.content);
}

void write_tiff(const std::filesystem::path& path, std::span<const std::uint8_t> voxels, const VolumeShape& shape,
                TiffCompression compression) {
  TiffEncoder encoder(shape, compression);
  encoder.put(voxels);
  write_file_atomically(path, encoder.finish());
}

}  // namespace lockstep::media
