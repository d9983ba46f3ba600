#include "lockstep/media/channels.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/simd.h"

namespace lockstep::media {
namespace {

LOCKSTEP_SIMD void grey_from_rgb(const std::uint8_t* source, std::uint8_t* target, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    target[i] = luma(source[3 * i], source[3 * i + 1], source[3 * i + 2]);
  }
}

LOCKSTEP_SIMD void rgb_from_grey(const std::uint8_t* source, std::uint8_t* target, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    target[3 * i] = target[3 * i + 1] = target[3 * i + 2] = source[i];
  }
}

LOCKSTEP_SIMD void padded_from_grey(const std::uint8_t* source, std::uint8_t* target, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    target[4 * i] = target[4 * i + 1] = target[4 * i + 2] = source[i];
    target[4 * i + 3] = 255;
  }
}

LOCKSTEP_SIMD void padded_from_rgb(const std::uint8_t* source, std::uint8_t* target, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    target[4 * i] = source[3 * i];
    target[4 * i + 1] = source[3 * i + 1];
    target[4 * i + 2] = source[3 * i + 2];
    target[4 * i + 3] = 255;
  }
}

}  // namespace

void convert_pixels(const std::uint8_t* source, int source_channels, std::uint8_t* target, int target_channels,
                    std::size_t count) {
  LOCKSTEP_ASSERT(source_channels == 1 || source_channels == 3, "pixels are grey or RGB");
  if (source_channels == target_channels) {
    std::copy_n(source, count * static_cast<std::size_t>(source_channels), target);
  } else if (target_channels == 1) {
    grey_from_rgb(source, target, count);
  } else if (target_channels == 3) {
    rgb_from_grey(source, target, count);
  } else {
    LOCKSTEP_ASSERT(target_channels == 4, "pixels become grey, RGB or padded RGB");
    source_channels == 1 ? padded_from_grey(source, target, count) : padded_from_rgb(source, target, count);
  }
}

}  // namespace lockstep::media
