#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lockstep/models/pyramid_decoder.h"

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

/// The side of the square, in pixels, over which edges are looked for: edges of a mask are then four pixels wide, about
/// as wide as what a network answers at a quarter of the resolution.
inline constexpr std::int64_t kBoundaryWindow = 5;

/// The edges of masks: the morphological gradient, the largest value in the window minus the smallest. Places outside
/// of the image do not count. mask: (batch, 1, height, width) with values 0 … 1; so is the result.
at::Tensor boundary_map(const at::Tensor& mask, std::int64_t window = kBoundaryWindow);

/// Binary cross entropy plus 1 - Dice between logits and the edges of a mask. Few pixels are edges: the entropy is the
/// mean over edges and the mean over all else, in equal parts (Xie and Tu, "Holistically-nested edge detection", ICCV
/// 2015). Dice after Milletari et al., "V-Net", 3DV 2016, without squares. Shapes, types and bounds are those of
/// structure_loss().
at::Tensor boundary_loss(const at::Tensor& logits, const at::Tensor& mask, std::int64_t window = kBoundaryWindow);

/// How much the parts of the loss count beside the structure loss.
struct LossWeights {
  double boundary = 0.5;
  double side = 0.4;  ///< of the finest side output; each coarser one counts half of that before
  double balance = 0.01;
};

/// The loss of each sample, (batch): the structure loss of the answer and, where the network gives them, boundary loss,
/// structure losses of side outputs and the balance of experts. mask: as the logits.
at::Tensor weighted_loss(const models::SegmentationOutputs& outputs, const at::Tensor& mask,
                         const LossWeights& weights);

}  // namespace lockstep::tasks::camouflage
