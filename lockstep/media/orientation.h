#pragma once

#include "lockstep/media/image.h"

namespace lockstep::media {

/// What EXIF's orientations 1 to 8 mean. A pixel of the upright picture is found in the stored one by exchanging its
/// coordinates, or not, and then counting columns from the right, rows from below, or not.
struct Turn {
  bool exchanged = false;
  bool from_right = false;
  bool from_below = false;
};

/// Throws std::logic_error for anything but 1 to 8.
Turn turn_of(int orientation);

/// The size of the upright picture. The stored size of an upright one is found in the same way.
ImageSize upright_size(ImageSize stored, int orientation);

/// The rectangle of the stored picture, which has this size, that holds a rectangle of the upright one.
Rect stored_part(Rect upright, ImageSize stored, int orientation);
Box stored_part(Box upright, ImageSize stored, int orientation);

/// Turns a stored picture, or a part of one, upright. What memory `upright` has is used again.
void turn_upright(const ImageView& stored, int orientation, Image& upright);
Image turn_upright(Image stored, int orientation);

}  // namespace lockstep::media
