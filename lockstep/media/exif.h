#pragma once

#include <cstddef>
#include <span>

namespace lockstep::media {

/// How a stored picture is to be turned before it is looked at, 1 to 8, by the tag Orientation of EXIF (CIPA DC-008,
/// 4.6.4): 1 is upright, for the others see `Turn`. Absent or broken metadata mean 1; nothing is thrown.
///
/// Of a JPEG it stands in the segment APP1, of a PNG in the chunk eXIf. `bytes` may end anywhere.
int jpeg_orientation(std::span<const std::byte> bytes);
int png_orientation(std::span<const std::byte> bytes);

}  // namespace lockstep::media
