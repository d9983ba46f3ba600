#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <type_traits>

#include "lockstep/nn/gpu_kernels.h"
#include "lockstep/nn/with_cuda/nms.h"
#include "lockstep/nn/with_cuda/roi_align.h"

namespace lockstep::nn {
namespace {

cudaStream_t stream_of(const at::Tensor& tensor) {
  return c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream();
}

/// Memory for the weights, held by the tensors.
struct Scratch {
  at::Tensor down;
  at::Tensor across;
  at::Tensor ranges;  // (2, boxes, bins, 2) int32

  Scratch(const at::Tensor& boxes, const RoiAlignShape& shape)
      : down(at::empty({shape.boxes, shape.bins, shape.height}, boxes.options())),
        across(at::empty({shape.boxes, shape.bins, shape.width}, boxes.options())),
        ranges(at::empty({2, shape.boxes, shape.bins, 2}, boxes.options().dtype(at::kInt))) {}

  RoiAlignScratch pointers() const {
    auto* range = static_cast<RoiRange*>(ranges.mutable_data_ptr());
    return {down.mutable_data_ptr<float>(), across.mutable_data_ptr<float>(), range, range + ranges.numel() / 4};
  }
};

}  // namespace
}  // namespace lockstep::nn

// See gpu_kernels.h.
extern "C" {

void lockstep_roi_align(const at::Tensor& features, const at::Tensor& boxes, const lockstep::nn::RoiAlignShape& shape,
                        at::Tensor& bins) {
  using namespace lockstep::nn;
  const c10::DeviceGuard device(features.device());
  bins = at::empty({shape.boxes, shape.channels, shape.bins, shape.bins}, features.options());
  if (shape.boxes == 0) {
    return;
  }
  const Scratch scratch(boxes, shape);
  C10_CUDA_CHECK(launch_roi_align(features.const_data_ptr<float>(), boxes.const_data_ptr<float>(), shape,
                                  scratch.pointers(), bins.mutable_data_ptr<float>(), stream_of(boxes)));
}

void lockstep_roi_align_gradient(const at::Tensor& of_bins, const at::Tensor& boxes,
                                 const lockstep::nn::RoiAlignShape& shape, at::Tensor& of_features) {
  using namespace lockstep::nn;
  const c10::DeviceGuard device(of_bins.device());
  of_features = at::zeros({shape.batch, shape.channels, shape.height, shape.width}, of_bins.options());
  if (shape.boxes == 0) {
    return;
  }
  const Scratch scratch(boxes, shape);
  C10_CUDA_CHECK(launch_roi_align_gradient(of_bins.const_data_ptr<float>(), boxes.const_data_ptr<float>(), shape,
                                           scratch.pointers(), of_features.mutable_data_ptr<float>(),
                                           stream_of(boxes)));
}

void lockstep_nms_kept(const at::Tensor& boxes, const at::Tensor& groups, double threshold, at::Tensor& kept) {
  using namespace lockstep::nn;
  const c10::DeviceGuard device(boxes.device());
  const std::int64_t count = boxes.size(0);
  kept = at::empty({count}, boxes.options().dtype(at::kBool));
  if (count == 0) {
    return;
  }
  const at::Tensor drops =
      at::empty({count, (count + kBoxesOfWord - 1) / kBoxesOfWord}, boxes.options().dtype(at::kLong));
  C10_CUDA_CHECK(launch_nms(static_cast<const NmsBox*>(boxes.const_data_ptr()), groups.const_data_ptr<std::int64_t>(),
                            count, threshold, static_cast<std::uint64_t*>(drops.mutable_data_ptr()),
                            kept.mutable_data_ptr<bool>(), stream_of(boxes)));
}
}

static_assert(std::is_same_v<decltype(&lockstep_roi_align), lockstep::nn::RoiAlignOnGpu>);
static_assert(std::is_same_v<decltype(&lockstep_roi_align_gradient), lockstep::nn::RoiAlignOnGpu>);
static_assert(std::is_same_v<decltype(&lockstep_nms_kept), lockstep::nn::NmsOnGpu>);
