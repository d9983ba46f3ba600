#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/media/image.h"

namespace lockstep::media {

/// Cuts `crop` out of a grey or RGB image, scales it to width x height, mirrors it if asked, and writes it to
/// `destination`, (height, width, channels). Of four channels the fourth has no meaning and is dropped: the result has
/// three. Bilinear with antialiasing: where it shrinks, the triangle filter grows with the factor. Each value is within
/// one grey level of Pillow's `image.crop(...).resize(size, BILINEAR)` and of PyTorch's
/// `interpolate(mode="bilinear", antialias=True)`, and the same on all processors.
void resize(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
            std::span<std::uint8_t> destination);

/// The same of a box of the source, which lies inside of it and may begin and end within pixels. The filter sees all of
/// the source; along each axis it is centred as Pillow's `resize(size, BILINEAR, box=...)` centres it.
void resize(const ImageView& source, Box box, int width, int height, bool flip_horizontally,
            std::span<std::uint8_t> destination);

/// The same, taking for each pixel the nearest one of the source, as PyTorch's "nearest-exact": for masks.
void resize_nearest(const Image& source, Rect crop, int width, int height, bool flip_horizontally,
                    std::span<std::uint8_t> destination);

/// Scales a plane of floats, (height, width) to (new_height, new_width), as PyTorch's `interpolate(mode="bilinear",
/// align_corners=False)`: to bring a prediction to the size of its photograph.
std::vector<float> resize_bilinear(std::span<const float> plane, int width, int height, int new_width, int new_height);

}  // namespace lockstep::media
