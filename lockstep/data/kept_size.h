#pragma once

#include "lockstep/media/decode.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// The eighths of its size at which a JPEG is decoded without a cache: the fewest of 1, 2, 4 and 8 that leave a crop of
/// this size at least `side` pixels each way; 8 where it has fewer already. libjpeg decodes to these sizes fastest.
int quick_eighths(media::ImageSize smallest_crop, int side);

/// How a cache keeps an image.
struct KeptPlan {
  int eighths = media::kFullSize;  ///< of its size, at which it is decoded, …
  media::ImageSize size{};         ///< … to be scaled to this size, if it then has another one
};

/// Keeps an image so that crops of it, none smaller than `smallest_crop`, can become squares of `side` pixels. A file
/// that can be decoded at a part of its size (JPEG: `is_reducible`) is kept at the fewest eighths that leave the
/// smallest crop its `side` pixels: decoding it to that size keeps the detail that scaling would soften. What is still
/// much larger than that, or cannot be decoded at a part of its size, is scaled so far that each crop has twice the
/// pixels that it needs, each way.
KeptPlan plan_kept(media::ImageSize size, media::ImageSize smallest_crop, int side, bool is_reducible);

/// Keeps an image of which only the whole is used: as the very square that it becomes, or, where it would have to be
/// enlarged, as it is.
KeptPlan plan_kept_whole(media::ImageSize size, int side, bool is_reducible);

}  // namespace lockstep::data
