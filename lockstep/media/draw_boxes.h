#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lockstep/media/image.h"

namespace lockstep::media {

struct CaptionedBox {
  Box box{};
  std::string caption;  ///< empty: none
  Colour colour{};
};

/// An RGB copy of the photograph with frames around the boxes, inside of their edges, the later ones on top. Captions
/// stand above their boxes, or below the upper edge where there is no room. What lies outside is cut off.
Image draw_boxes(const Image& photo, std::span<const CaptionedBox> boxes);

/// A colour of its own for each of a few numbers; they repeat.
Colour colour_of(std::size_t number);

}  // namespace lockstep::media
