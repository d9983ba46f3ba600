#pragma once

#include "lockstep/media/image.h"

namespace lockstep::data {

/// A box of a picture, and no more of its pixels than the box touches.
struct BoxedView {
  media::ImageView pixels{};
  media::Box box{};  ///< in pixels of the view
};

/// The pixels that a box touches, and at least one, in an image of this size.
media::Rect touched(const media::Box& box, media::ImageSize size);

/// The same box as seen from the corner of a region.
media::Box relative_to(const media::Rect& region, const media::Box& box);

/// The box of a picture with no more than the pixels that it touches.
BoxedView cut(const media::ImageView& picture, const media::Box& box);

/// All of a picture of this size.
media::Box whole_box(media::ImageSize size);

/// Where a box of a picture of this size lies in pixels in which the picture lies at `place`. What is whole, or so
/// many eighths of it, stays so to the bit.
media::Box placed(const media::Box& box, media::ImageSize picture, const media::Box& place);

}  // namespace lockstep::data
