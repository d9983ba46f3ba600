#include "lockstep/media/orientation.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"

namespace lockstep::media {
namespace {

template <typename Rectangle>
Rectangle turned_back(Rectangle part, ImageSize stored, int orientation) {
  const Turn turn = turn_of(orientation);
  if (turn.exchanged) {
    std::swap(part.x, part.y);
    std::swap(part.width, part.height);
  }
  if (turn.from_right) {
    part.x = stored.width - part.x - part.width;
  }
  if (turn.from_below) {
    part.y = stored.height - part.y - part.height;
  }
  return part;
}

/// Where the upright picture's first pixel lies in the stored one, and how many bytes a step to the right or down
/// takes.
struct Walk {
  const std::uint8_t* start = nullptr;
  std::ptrdiff_t right = 0;
  std::ptrdiff_t down = 0;
};

Walk walk_over(const ImageView& stored, int orientation) {
  const Turn turn = turn_of(orientation);
  Walk walk{stored.pixels, stored.channels, static_cast<std::ptrdiff_t>(stored.row_stride)};
  if (turn.from_right) {
    walk.start += (stored.width - 1) * walk.right;
    walk.right = -walk.right;
  }
  if (turn.from_below) {
    walk.start += (stored.height - 1) * walk.down;
    walk.down = -walk.down;
  }
  if (turn.exchanged) {
    std::swap(walk.right, walk.down);
  }
  return walk;
}

/// By tiles, so that the cache holds what is gathered from many rows.
template <int channels>
void copy_turned(const Walk& walk, Image& upright) {
  constexpr int kTile = 64;
  for (int top = 0; top < upright.height; top += kTile) {
    for (int left = 0; left < upright.width; left += kTile) {
      const int bottom = std::min(top + kTile, upright.height);
      const int right = std::min(left + kTile, upright.width);
      for (int y = top; y < bottom; ++y) {
        const std::uint8_t* source = walk.start + y * walk.down + left * walk.right;
        std::uint8_t* target = upright.at(left, y);
        for (int x = left; x < right; ++x, source += walk.right, target += channels) {
          for (int c = 0; c < channels; ++c) {
            target[c] = source[c];
          }
        }
      }
    }
  }
}

}  // namespace

Turn turn_of(int orientation) {
  LOCKSTEP_ASSERT(orientation >= 1 && orientation <= 8, "an orientation is 1 to 8");
  constexpr Turn kTurns[8] = {{false, false, false}, {false, true, false}, {false, true, true}, {false, false, true},
                              {true, false, false},  {true, false, true},  {true, true, true},  {true, true, false}};
  return kTurns[orientation - 1];
}

ImageSize upright_size(ImageSize stored, int orientation) {
  return turn_of(orientation).exchanged ? ImageSize{stored.height, stored.width} : stored;
}

Rect stored_part(Rect upright, ImageSize stored, int orientation) { return turned_back(upright, stored, orientation); }

Box stored_part(Box upright, ImageSize stored, int orientation) { return turned_back(upright, stored, orientation); }

void turn_upright(const ImageView& stored, int orientation, Image& upright) {
  reshape(upright, upright_size(stored.size(), orientation), stored.channels);
  const Walk walk = walk_over(stored, orientation);
  switch (stored.channels) {
    case 1:
      return copy_turned<1>(walk, upright);
    case 3:
      return copy_turned<3>(walk, upright);
    case 4:
      return copy_turned<4>(walk, upright);
    default:
      LOCKSTEP_ASSERT(false, "an image has 1, 3 or 4 channels");
  }
}

Image turn_upright(Image stored, int orientation) {
  if (orientation == 1) {
    return stored;
  }
  Image upright;
  turn_upright(view_of(stored), orientation, upright);
  return upright;
}

}  // namespace lockstep::media
