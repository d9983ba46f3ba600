#pragma once

#include <cuda_runtime_api.h>

#include "lockstep/nn/roi_axis.h"

namespace lockstep::nn {

/// Memory of the GPU for what both directions need: the weights of all bins along both axes.
struct RoiAlignScratch {
  float* down;           ///< (boxes, bins, height)
  float* across;         ///< (boxes, bins, width)
  RoiRange* down_range;  ///< (boxes, bins)
  RoiRange* across_range;
};

/// features (batch, channels, height, width) and boxes (n, 5) to bins (n, channels, bins, bins), in stream order. All
/// are float32 and contiguous. Returns the first error of the launches.
cudaError_t launch_roi_align(const float* features, const float* boxes, const RoiAlignShape& shape,
                             const RoiAlignScratch& scratch, float* bins, cudaStream_t stream);

/// The gradient of the features out of that of the bins: each pixel collects what boxes send it, in their order.
cudaError_t launch_roi_align_gradient(const float* of_bins, const float* boxes, const RoiAlignShape& shape,
                                      const RoiAlignScratch& scratch, float* of_features, cudaStream_t stream);

}  // namespace lockstep::nn
