#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/media/image.h"

namespace lockstep::media {

/// Beyond these an image is refused: more likely broken, or made to exhaust the memory, than meant for training.
inline constexpr int kMaxDimension = 65500;
inline constexpr std::int64_t kMaxPixels = 200'000'000;

/// Whether an image of this size is accepted.
bool is_within_limits(std::uint32_t width, std::uint32_t height);

/// Throws DataError where a header announces an image beyond the limits.
void check_size(std::uint32_t width, std::uint32_t height, const std::string& name);

/// Whether so many bytes of deflated data cannot hold so many bytes of pixels, whatever they are: a byte of deflated
/// data gives 1032 at most (zlib's technical details).
constexpr bool is_too_short(std::size_t deflated_bytes, std::size_t pixel_bytes) {
  return pixel_bytes / 1032 > deflated_bytes;
}

/// The error for an image that its decoder gave up on; `detail` is the decoder's message.
DataError unreadable(const std::string& format, const std::string& detail, const std::string& name);

}  // namespace lockstep::media
