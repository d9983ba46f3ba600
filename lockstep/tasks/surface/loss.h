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
/// and kIgnore; voxels to ignore take no part, and cross-entropy is divided by the number of the sample's others. A
/// sample of nothing but such voxels has a loss of 0.
at::Tensor volume_loss(const models::VolumeOutputs& outputs, const at::Tensor& labels, const LossWeights& weights);

/// The same for one scale. logits: (batch, 1, depth, height, width), labels of that size.
at::Tensor dice_and_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const LossWeights& weights);

}  // namespace lockstep::tasks::surface
