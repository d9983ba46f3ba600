#include "lockstep/nn/nms.h"

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/nn/gpu_kernels.h"
#include "lockstep/nn/nms_arithmetic.h"
#include "lockstep/parallel/cuda_module.h"

namespace lockstep::nn {
namespace {

/// Which of boxes in falling order of scores are kept. // (n) bool
at::Tensor kept_on_host(const at::Tensor& boxes, const at::Tensor& groups, double threshold) {
  const auto count = static_cast<std::size_t>(boxes.size(0));
  const auto* box = static_cast<const NmsBox*>(boxes.const_data_ptr());
  const auto* group = groups.const_data_ptr<std::int64_t>();
  const at::Tensor kept = at::ones({boxes.size(0)}, at::kBool);
  bool* keep = kept.data_ptr<bool>();
  for (std::size_t i = 0; i < count; ++i) {
    if (!keep[i]) {
      continue;
    }
    for (std::size_t j = i + 1; j < count; ++j) {
      if (keep[j] && group[i] == group[j] && overlaps(box[i], box[j], threshold)) {
        keep[j] = false;
      }
    }
  }
  return kept;
}

at::Tensor kept_in_order(const at::Tensor& boxes, const at::Tensor& groups, double threshold) {
  if (boxes.is_cpu()) {
    return kept_on_host(boxes, groups, threshold);
  }
  if (const auto on_gpu = reinterpret_cast<NmsOnGpu>(parallel::find_in_cuda_module("lockstep_nms_kept"))) {
    at::Tensor kept;
    on_gpu(boxes, groups, threshold, kept);
    return kept;
  }
  return kept_on_host(boxes.cpu(), groups.cpu(), threshold).to(boxes.device());
}

}  // namespace

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double threshold) {
  return nms_of_groups(boxes, scores, at::zeros({boxes.size(0)}, boxes.options().dtype(at::kLong)), threshold);
}

at::Tensor nms_of_groups(const at::Tensor& boxes, const at::Tensor& scores, const at::Tensor& groups,
                         double threshold) {
  LOCKSTEP_ASSERT(boxes.dim() == 2 && boxes.size(1) == 4 && boxes.scalar_type() == at::kFloat,
                  "boxes are (n, 4) float32");
  LOCKSTEP_ASSERT(scores.dim() == 1 && scores.size(0) == boxes.size(0), "one score a box");
  LOCKSTEP_ASSERT(groups.sizes() == scores.sizes() && groups.scalar_type() == at::kLong, "one group a box, int64");
  const at::NoGradGuard no_gradient;
  const at::Tensor order = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
  const at::Tensor kept =
      kept_in_order(boxes.index_select(0, order).contiguous(), groups.index_select(0, order), threshold);
  return order.masked_select(kept);
}

}  // namespace lockstep::nn
