#include "lockstep/tasks/camouflage/loss.h"

#include <torch/torch.h>

#include "lockstep/base/error.h"

namespace lockstep::tasks::camouflage {
namespace {

constexpr double kEdgeGain = 5;

/// (batch, 1, height, width): how much each pixel counts. The mean over the window, zeros outside the image included,
/// is taken along rows and then along columns: 2 × 31 additions a pixel instead of 31 × 31.
at::Tensor edge_weights(const at::Tensor& mask, std::int64_t window) {
  const std::int64_t reach = window / 2;
  const at::Tensor along_rows = at::avg_pool2d(mask, {1, window}, {1, 1}, {0, reach});
  const at::Tensor local_mean = at::avg_pool2d(along_rows, {window, 1}, {1, 1}, {reach, 0});
  return 1 + kEdgeGain * (local_mean - mask).abs();
}

at::Tensor sum_of_sample(const at::Tensor& values) { return values.sum({1, 2, 3}); }  // (batch)

/// What the losses are computed in: sums over an image overflow half precision.
at::ScalarType wide_type(const at::Tensor& logits) {
  return logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

void check_shapes(const at::Tensor& logits, const at::Tensor& mask) {
  LOCKSTEP_ASSERT(logits.dim() == 4 && logits.size(1) == 1, "logits must be (batch, 1, height, width)");
  LOCKSTEP_ASSERT(mask.sizes() == logits.sizes(), "mask and logits must have one shape");
}

}  // namespace

at::Tensor structure_loss(const at::Tensor& logits, const at::Tensor& mask, std::int64_t edge_window) {
  check_shapes(logits, mask);
  LOCKSTEP_ASSERT(edge_window % 2 == 1, "the window needs a middle");
  const at::Tensor prediction = logits.to(wide_type(logits));
  const at::Tensor truth = mask.detach().to(prediction.scalar_type());
  const at::Tensor weights = edge_weights(truth, edge_window);

  const at::Tensor pixel_entropy = at::binary_cross_entropy_with_logits(prediction, truth, {}, {}, at::Reduction::None);
  const at::Tensor entropy = sum_of_sample(weights * pixel_entropy) / sum_of_sample(weights);

  const at::Tensor probability = at::sigmoid(prediction);
  const at::Tensor shared = sum_of_sample(weights * probability * truth);
  const at::Tensor both = sum_of_sample(weights * (probability + truth));
  // One pixel is added above and below, so that an empty mask asks for an empty prediction.
  const at::Tensor overlap = (shared + 1) / (both - shared + 1);
  return entropy + 1 - overlap;
}

at::Tensor boundary_map(const at::Tensor& mask, std::int64_t window) {
  LOCKSTEP_ASSERT(window % 2 == 1, "the window needs a middle");
  const auto largest = [window](const at::Tensor& values) {
    return at::max_pool2d(values, {window, window}, {1, 1}, {window / 2, window / 2});
  };
  return largest(mask) + largest(-mask);
}

at::Tensor boundary_loss(const at::Tensor& logits, const at::Tensor& mask, std::int64_t window) {
  check_shapes(logits, mask);
  const at::Tensor prediction = logits.to(wide_type(logits));
  const at::Tensor edge = boundary_map(mask.detach().to(prediction.scalar_type()), window);
  const at::Tensor rest = 1 - edge;

  const at::Tensor pixel_entropy = at::binary_cross_entropy_with_logits(prediction, edge, {}, {}, at::Reduction::None);
  // One pixel is added below: a mask may have no edge, and above and below for Dice, which then asks for an empty
  // answer.
  const auto mean_over = [&](const at::Tensor& part) {
    return sum_of_sample(part * pixel_entropy) / (sum_of_sample(part) + 1);
  };
  const at::Tensor probability = at::sigmoid(prediction);
  const at::Tensor dice =
      (2 * sum_of_sample(probability * edge) + 1) / (sum_of_sample(probability) + sum_of_sample(edge) + 1);
  return (mean_over(edge) + mean_over(rest)) / 2 + 1 - dice;
}

at::Tensor weighted_loss(const models::SegmentationOutputs& outputs, const at::Tensor& mask,
                         const LossWeights& weights) {
  at::Tensor loss = structure_loss(outputs.logits, mask);
  if (outputs.boundary.defined()) {
    loss = loss + weights.boundary * boundary_loss(outputs.boundary, mask);
  }
  double side_weight = weights.side;
  for (const at::Tensor& side : outputs.sides) {
    loss = loss + side_weight * structure_loss(side, mask);
    side_weight /= 2;
  }
  if (outputs.balance.defined()) {
    loss = loss + weights.balance * outputs.balance;
  }
  return loss;
}

}  // namespace lockstep::tasks::camouflage
