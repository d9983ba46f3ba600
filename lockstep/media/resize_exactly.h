#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/image.h"
#include "lockstep/media/triangle_filter.h"

namespace lockstep::media {

/// The slow way to filter, for any number of taps: along the rows first, then down the columns, with the arithmetic and
/// the bits of Pillow. A source of 4 channels gives the first 3 of them.
void resize_exactly(const ImageView& source, const FilterWindows& columns, const FilterWindows& rows,
                    std::span<std::uint8_t> destination);

}  // namespace lockstep::media
