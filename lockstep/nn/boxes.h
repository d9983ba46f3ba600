#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

// Boxes are (…, 4) of x0, y0, x1, y1 in pixels: x to the right, y down, x1 and y1 behind the last pixel. Gradients pass
// through all of this. A box without area overlaps with nothing, also not with itself.
namespace lockstep::nn {

/// (n) areas of (n, 4) boxes; 0 where a box is turned inside out.
at::Tensor box_areas(const at::Tensor& boxes);

/// (n, m): intersection over union of each of (n, 4) boxes with each of (m, 4) others.
at::Tensor pairwise_iou(const at::Tensor& boxes, const at::Tensor& others);

/// (n): generalised intersection over union of (n, 4) boxes with (n, 4) others, row by row, -1 to 1: Rezatofighi et
/// al., "Generalized intersection over union", CVPR 2019. Finite for boxes without area.
at::Tensor generalised_iou(const at::Tensor& boxes, const at::Tensor& others);

/// Boxes with what lies outside of an image of that size, in pixels, cut off.
at::Tensor clip_boxes(const at::Tensor& boxes, std::int64_t height, std::int64_t width);

/// (n, 4) distances from (n, 2) places, x and y, to the left, upper, right and lower side of (n, 4) boxes; below 0
/// where a place lies outside.
at::Tensor encode_distances(const at::Tensor& places, const at::Tensor& boxes);

/// The boxes that lie at such distances around places: the inverse of encode_distances(). Places may be (places, 2) for
/// distances of (batch, places, 4).
at::Tensor decode_distances(const at::Tensor& places, const at::Tensor& distances);

}  // namespace lockstep::nn
