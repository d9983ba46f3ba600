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

}  // namespace

at::Tensor structure_loss(const at::Tensor& logits, const at::Tensor& mask, std::int64_t edge_window) {
  LOCKSTEP_ASSERT(logits.dim() == 4 && logits.size(1) == 1, "logits must be (batch, 1, height, width)");
  LOCKSTEP_ASSERT(mask.sizes() == logits.sizes(), "mask and logits must have one shape");
  LOCKSTEP_ASSERT(edge_window % 2 == 1, "the window needs a middle");
  // Sums over an image overflow half precision.
  const at::ScalarType type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor prediction = logits.to(type);
  const at::Tensor truth = mask.detach().to(type);
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

}  // namespace lockstep::tasks::camouflage
