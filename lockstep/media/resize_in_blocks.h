#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/image.h"
#include "lockstep/media/triangle_filter.h"

namespace lockstep::media {

/// With more taps than this a position, rounding could come to more than half a grey level.
inline constexpr int kMostTapsInBlocks = 34;

/// The quick way to filter: down the columns first, then along the rows, a few rows of the result at a time, so that
/// what is between stays in the processor's cache; 16-bit arithmetic, which is off by less than half a grey level
/// before the result is rounded. A source of 4 channels gives the first 3 of them.
void resize_in_blocks(const ImageView& source, const FilterWindows& columns, const FilterWindows& rows,
                      std::span<std::uint8_t> destination);

}  // namespace lockstep::media
