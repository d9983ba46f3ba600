#pragma once

#include "lockstep/media/image.h"

namespace lockstep::data {

/// The largest of 1, 2, 4 and 8 at which a crop of this size still has at least `side` pixels each way when the image
/// is decoded at one part of its size; 1 where it has fewer already.
int decode_denominator(media::ImageSize smallest_crop, int side);

/// How a cache keeps an image.
struct KeptPlan {
  int denominator = 1;      ///< it is decoded at 1/denominator of its size, …
  media::ImageSize size{};  ///< … and then scaled to this size, if it has another one
};

/// Keeps an image so that crops of it, none smaller than `smallest_crop`, can become squares of `side` pixels. A file
/// that can be decoded at a part of its size (JPEG: `is_reducible`) is kept as it is decoded without a cache. One that
/// cannot, and is much larger than that, is scaled so far that each crop still has twice the pixels that it needs, each
/// way.
KeptPlan plan_kept(media::ImageSize size, media::ImageSize smallest_crop, int side, bool is_reducible);

/// Keeps an image of which only the whole is used: as the very square that it becomes, or, where it would have to be
/// enlarged, as it is.
KeptPlan plan_kept_whole(media::ImageSize size, int side, bool is_reducible);

}  // namespace lockstep::data
