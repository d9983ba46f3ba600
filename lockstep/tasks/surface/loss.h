#pragma once

#include <ATen/core/Tensor.h>

#include "lockstep/models/residual_unet.h"

namespace lockstep::tasks::surface {

/// How much the parts of the loss count.
struct LossWeights {
  double dice = 1;
  double cross_entropy = 1;
};

/// The loss of each sample, (batch) float32: soft Dice loss and cross-entropy against the label at full resolution, and
/// half as much of the same at each coarser scale than at the one before it, where the label is taken at the voxels
/// that lie under the network's strides. `labels` is (batch, depth, height, width) uint8 of data::kBackground, kSurface
/// and kIgnore; voxels to ignore take no part. Dice is that of the sample; cross-entropy is summed over the sample's
/// voxels and divided by `mean_valid`, how many a sample of the global batch has on average that are not to be ignored,
/// so that the mean over the global batch is that over its voxels. At a coarser scale that number is as much smaller as
/// the scale has fewer voxels. A sample of nothing but voxels to ignore has a loss of 0.
at::Tensor volume_loss(const models::VolumeOutputs& outputs, const at::Tensor& labels, const LossWeights& weights,
                       double mean_valid);

/// The same for one scale. logits: (batch, 1, depth, height, width), labels of that size.
at::Tensor dice_and_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const LossWeights& weights,
                                  double mean_valid);

}  // namespace lockstep::tasks::surface
