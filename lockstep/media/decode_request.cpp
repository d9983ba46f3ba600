#include "lockstep/media/decode_request.h"

#include "lockstep/base/error.h"

namespace lockstep::media {

int requested_channels(const DecodeRequest& request) {
  return request.mode == ColorMode::kGrey ? 1 : request.padded ? 4 : 3;
}

Rect requested_part(const DecodeRequest& request, ImageSize size) {
  const Rect part = request.region.value_or(Rect{0, 0, size.width, size.height});
  LOCKSTEP_ASSERT(part.x >= 0 && part.width > 0 && part.x <= size.width - part.width, "the part is within the width");
  LOCKSTEP_ASSERT(part.y >= 0 && part.height > 0 && part.y <= size.height - part.height,
                  "the part is within the height");
  return part;
}

}  // namespace lockstep::media
