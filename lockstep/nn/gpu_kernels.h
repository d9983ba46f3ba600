#pragma once

#include <ATen/core/Tensor.h>

#include "lockstep/nn/roi_axis.h"

// The functions of the module of CUDA (with_cuda/kernels.cpp) that roi_align.cpp and nms.cpp look up by name, with
// parallel::find_in_cuda_module. Values and boxes are contiguous float32 on one GPU, and work is done in its current
// stream.
namespace lockstep::nn {

/// "lockstep_roi_align": `values` are features, `result` bins; "lockstep_roi_align_gradient": the gradient of bins, and
/// that of features.
using RoiAlignOnGpu = void (*)(const at::Tensor& values, const at::Tensor& boxes, const RoiAlignShape& shape,
                               at::Tensor& result);

/// "lockstep_nms_kept": which of the boxes, in falling order of scores, are kept. // (n) bool
using NmsOnGpu = void (*)(const at::Tensor& boxes, const at::Tensor& groups, double threshold, at::Tensor& kept);

}  // namespace lockstep::nn
