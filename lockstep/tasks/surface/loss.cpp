#include "lockstep/tasks/surface/loss.h"

#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/data/label_index.h"

namespace lockstep::tasks::surface {
namespace {

/// The labels at every so many voxels that `size` of them are left along the axis.
at::Tensor labels_under(const at::Tensor& labels, std::int64_t axis, std::int64_t size) {
  std::int64_t stride = 1;
  while ((labels.size(axis) + stride - 1) / stride > size) {
    stride *= 2;
  }
  return labels.slice(axis, 0, std::nullopt, stride);
}

at::Tensor labels_of_scale(at::Tensor labels, const at::Tensor& logits) {
  for (std::int64_t axis = 1; axis < labels.dim(); ++axis) {
    labels = labels_under(labels, axis, logits.size(axis + 1));
  }
  return labels;
}

at::Tensor sum_of_volume(const at::Tensor& values) { return values.sum({1, 2, 3}); }  // (batch)

}  // namespace

at::Tensor dice_and_cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const LossWeights& weights,
                                  double mean_valid) {
  LOCKSTEP_ASSERT(logits.dim() == 5 && logits.size(1) == 1, "logits are (batch, 1, depth, height, width)");
  // Sums over a volume overflow half precision.
  const at::Tensor wide = logits.squeeze(1).to(logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  LOCKSTEP_ASSERT(labels.sizes() == wide.sizes(), "labels and logits must have one size");
  const at::Tensor counts = (labels != data::kIgnore).to(wide.scalar_type());
  const at::Tensor truth = (labels == data::kSurface).to(wide.scalar_type());

  const at::Tensor voxel_entropy = at::binary_cross_entropy_with_logits(wide, truth, counts, {}, at::Reduction::None);
  // Where there is no voxel in the whole batch, the sum is 0.
  const at::Tensor entropy = sum_of_volume(voxel_entropy) / (mean_valid > 0 ? mean_valid : 1);

  const at::Tensor probability = at::sigmoid(wide) * counts;
  const at::Tensor both = sum_of_volume(probability) + sum_of_volume(truth);
  // One voxel is added above and below, so that a patch without surface asks for an answer without.
  const at::Tensor dice = (2 * sum_of_volume(probability * truth) + 1) / (both + 1);
  return weights.cross_entropy * entropy + weights.dice * (1 - dice);
}

at::Tensor volume_loss(const models::VolumeOutputs& outputs, const at::Tensor& labels, const LossWeights& weights,
                       double mean_valid) {
  at::Tensor loss = dice_and_cross_entropy(outputs.logits, labels, weights, mean_valid);
  double share = 1;
  for (const at::Tensor& side : outputs.sides) {
    share /= 2;
    const at::Tensor under = labels_of_scale(labels, side);
    const double left = static_cast<double>(under.numel()) / static_cast<double>(labels.numel());
    loss = loss + share * dice_and_cross_entropy(side, under, weights, left * mean_valid);
  }
  return loss;
}

}  // namespace lockstep::tasks::surface
