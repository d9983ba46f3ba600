#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lockstep::tasks::camouflage {

/// The side of the square, in pixels, over which structure_loss() looks for the mask's edges. Meant for images of some
/// 352 × 352 pixels.
inline constexpr std::int64_t kEdgeWindow = 31;

/// The structure loss of camouflaged and salient object detection: binary cross entropy plus 1 - IoU, both weighted by
/// 1 + 5 × |mean of the mask around the pixel - mask|, so that pixels near an edge count up to six times.
/// Wei, Wang and Huang, "F3Net: fusion, feedback and focus for salient object detection", AAAI 2020.
///
/// `logits` (batch, 1, height, width) of any floating type, `mask` the same shape with values 0 … 1, `edge_window` odd.
/// Returns one value per sample, (batch), in float32 (float64 for float64 logits), under autocast too. Value and
/// gradient are finite for all finite logits. No gradient goes to the mask.
at::Tensor structure_loss(const at::Tensor& logits, const at::Tensor& mask, std::int64_t edge_window = kEdgeWindow);

}  // namespace lockstep::tasks::camouflage
