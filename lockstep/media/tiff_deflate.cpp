#include "lockstep/media/tiff_deflate.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "lockstep/media/tiff_page.h"

namespace lockstep::media {
namespace {

using Decompressor = std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

libdeflate_decompressor* decompressor_of_this_thread() {
  thread_local const Decompressor decompressor(libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (decompressor == nullptr) {
    throw std::bad_alloc();
  }
  return decompressor.get();
}

/// Exactly so many bytes, with the right check sum.
libdeflate_result inflate(std::span<const std::byte> deflated, std::span<std::byte> target) {
  return libdeflate_zlib_decompress(decompressor_of_this_thread(), deflated.data(), deflated.size(), target.data(),
                                    target.size(), nullptr);
}

bool inflate_piece(std::span<const std::byte> deflated, std::size_t whole_bytes, std::span<std::byte> target) {
  const libdeflate_result result = inflate(deflated, target);
  if (result != LIBDEFLATE_INSUFFICIENT_SPACE || whole_bytes <= target.size()) {
    return result == LIBDEFLATE_SUCCESS;
  }
  std::vector<std::byte> whole(whole_bytes);
  const bool is_whole = inflate(deflated, whole) == LIBDEFLATE_SUCCESS;
  std::copy_n(whole.begin(), target.size(), target.begin());
  return is_whole;
}

/// Undoes the predictor: each voxel was stored as its difference from the one before it in its row.
template <typename Voxel>
void add_up_rows(std::span<Voxel> voxels, std::size_t row_voxels) {
  for (; !voxels.empty(); voxels = voxels.subspan(row_voxels)) {
    for (std::size_t x = 1; x < row_voxels; ++x) {
      voxels[x] = static_cast<Voxel>(voxels[x] + voxels[x - 1]);
    }
  }
}

template <typename Voxel>
std::span<Voxel> as(std::span<std::byte> bytes) {
  return {reinterpret_cast<Voxel*>(bytes.data()), bytes.size() / sizeof(Voxel)};
}

}  // namespace

bool read_deflated(TIFF* tiff, std::uint32_t piece, const PieceLayout& layout, std::span<std::byte> voxels,
                   TiffBytes& bytes) {
  thread_local std::vector<std::byte> deflated;
  deflated.resize(TIFFGetStrileByteCount(tiff, piece));
  const auto count = static_cast<tmsize_t>(deflated.size());
  const auto read = TIFFIsTiled(tiff) != 0 ? TIFFReadRawTile : TIFFReadRawStrip;
  if (count == 0) {
    bytes.message = "voxels are missing";
    return false;
  }
  if (read(tiff, piece, deflated.data(), count) != count) {
    return false;
  }
  const auto predictor = tiff_field<std::uint16_t>(tiff, TIFFTAG_PREDICTOR, PREDICTOR_NONE);
  if (predictor != PREDICTOR_NONE && predictor != PREDICTOR_HORIZONTAL) {
    bytes.message = "a predictor that is not for whole numbers";
    return false;
  }
  if (!inflate_piece(deflated, layout.whole_bytes, voxels)) {
    bytes.message = "garbled deflated data";
    return false;
  }
  if (layout.voxel_bytes == 2 && TIFFIsByteSwapped(tiff) != 0) {
    TIFFSwabArrayOfShort(as<std::uint16_t>(voxels).data(), static_cast<tmsize_t>(voxels.size() / 2));
  }
  if (predictor == PREDICTOR_HORIZONTAL) {
    layout.voxel_bytes == 2 ? add_up_rows(as<std::uint16_t>(voxels), layout.row_voxels)
                            : add_up_rows(as<std::uint8_t>(voxels), layout.row_voxels);
  }
  return true;
}

}  // namespace lockstep::media
