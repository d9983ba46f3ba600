#pragma once

#include <cstdint>
#include <span>

#include "lockstep/data/box_set.h"
#include "lockstep/data/episode_dataset.h"
#include "lockstep/data/source_image.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// How much of the picture a support shows around its box.
struct SupportView {
  double context = 2;  ///< the square's side, in longer sides of the box
  double shift_x = 0;  ///< how far the box's middle lies left of the square's, in sides of the square
  double shift_y = 0;
};

/// Cuts the square around a box of the open picture, scaled to size x size pixels, (size, size, 3), antialiased. What
/// of it lies outside of the picture is kOutsideGrey, which mixes with the picture at its edge as where one is put
/// around the picture first. A JPEG of which the square has eight times as many pixels each way, or more, is decoded
/// at a part of its size. Gives the box in pixels of the square. Throws DataError naming the file.
media::Box load_support(SourceImage& source, const ObjectBox& box, const SupportView& view, int size,
                        std::span<std::uint8_t> pixels);

/// Scales a part of the open picture to fit into side x side pixels, (side, side, 3), antialiased, its shape kept;
/// upper left, the rest is kOutsideGrey. Gives where the picture lies. Throws DataError naming the file.
QueryPlace load_query(SourceImage& source, const media::Rect& crop, int side, std::span<std::uint8_t> pixels);

}  // namespace lockstep::data
