#pragma once

#include "lockstep/media/decode.h"

// What the decoders of all formats read out of a request.
namespace lockstep::media {

/// The channels that are asked for: 1, 3, or 4 with padding.
int requested_channels(const DecodeRequest& request);

/// The rectangle that is asked for of an image of this (reduced) size, in which it must lie.
Rect requested_part(const DecodeRequest& request, ImageSize size);

}  // namespace lockstep::media
