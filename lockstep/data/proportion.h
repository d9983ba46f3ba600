#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "lockstep/media/image.h"

namespace lockstep::data {

/// Whether the smaller one is the larger one, scaled and its sides rounded.
inline bool agree_in_proportion(media::ImageSize one, media::ImageSize other) {
  const std::int64_t difference = std::int64_t{one.width} * other.height - std::int64_t{one.height} * other.width;
  return 2 * std::abs(difference) <= std::max(one.width + one.height, other.width + other.height);
}

}  // namespace lockstep::data
