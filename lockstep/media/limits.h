#pragma once

#include <cstdint>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/media/image.h"

namespace lockstep::media {

/// Beyond these an image is refused: more likely broken, or made to exhaust the memory, than meant for training.
inline constexpr int kMaxDimension = 65500;
inline constexpr std::int64_t kMaxPixels = 200'000'000;

/// Throws DataError where a header announces an image beyond the limits.
void check_size(std::uint32_t width, std::uint32_t height, const std::string& name);

/// The error for an image that its decoder gave up on; `detail` is the decoder's message.
DataError unreadable(const std::string& format, const std::string& detail, const std::string& name);

}  // namespace lockstep::media
