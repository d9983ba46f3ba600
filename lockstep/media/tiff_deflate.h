#pragma once

#include <tiffio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/media/tiff_handle.h"

namespace lockstep::media {

/// How the voxels of a strip or tile lie in memory.
struct PieceLayout {
  std::size_t row_voxels = 0;
  std::size_t voxel_bytes = 1;
  std::size_t whole_bytes =
      0;  ///< of a strip that is not cut off at the page's end; some writers store the last one so
};

/// Decodes a deflated strip or tile of the current page into `voxels`, which it must fill. False where that fails, with
/// the reason in `bytes`. libtiff does the same, but takes data that is too long for good without a look at its check
/// sum: then some voxels are garbled, or are never written at all.
bool read_deflated(TIFF* tiff, std::uint32_t piece, const PieceLayout& layout, std::span<std::byte> voxels,
                   TiffBytes& bytes);

}  // namespace lockstep::media
