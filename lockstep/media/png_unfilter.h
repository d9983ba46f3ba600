#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::media {

/// Bytes that may be read, but not written, behind the last row that is unfiltered.
inline constexpr std::size_t kUnfilterPadding = 1;

/// Whether a filter of this number exists.
constexpr bool is_png_filter(int filter) { return filter >= 0 && filter <= 4; }

/// Undoes the filter of a row of a PNG in place (PNG specification, section 9). `above` is the row before, unfiltered,
/// or zeros, and must not overlap. `pixel_bytes`: from a byte to the one that its filter calls left, 1, 2, 3 or 4.
/// False for a filter that does not exist.
bool unfilter_row(int filter, const std::uint8_t* above, std::uint8_t* row, std::size_t row_bytes, int pixel_bytes);

}  // namespace lockstep::media
