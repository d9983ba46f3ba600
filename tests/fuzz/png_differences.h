#pragma once

#include "lockstep/base/error.h"
#include "lockstep/media/png_fast.h"
#include "lockstep/media/png_libpng.h"

namespace lockstep::fuzz {

/// Larger images cost time and find nothing more.
inline constexpr int kMaxFuzzPixels = 1 << 20;

/// Whether libpng decodes the request.
inline bool libpng_decodes(std::span<const std::byte> bytes, const media::DecodeRequest& request, media::Image& image) {
  try {
    media::decode_png_with_libpng(bytes, request, "fuzz.png", image);
    return true;
  } catch (const DataError&) {
    return false;
  }
}

/// What libpng decodes the fast way must decode to the same pixels, where it decodes at all.
inline void compare_png_decoders(std::span<const std::byte> bytes, const media::DecodeRequest& request) {
  media::Image fast;
  media::Image reference;
  if (media::decode_png_fast(bytes, request, fast) && libpng_decodes(bytes, request, reference)) {
    LOCKSTEP_ASSERT(fast.size() == reference.size() && fast.channels == reference.channels, "the shapes differ");
    LOCKSTEP_ASSERT(fast.pixels == reference.pixels, "the pixels differ");
  }
}

/// The same for all of an image and for its middle, as grey and as colour.
inline void compare_png_decoders(std::span<const std::byte> bytes, media::ImageSize size) {
  const media::Rect middle{size.width / 3, size.height / 3, (size.width + 2) / 3, (size.height + 2) / 3};
  for (const media::ColorMode mode : {media::ColorMode::kGrey, media::ColorMode::kRgb}) {
    compare_png_decoders(bytes, {.mode = mode});
    compare_png_decoders(bytes, {.mode = mode, .region = middle, .padded = true});
  }
}

}  // namespace lockstep::fuzz
