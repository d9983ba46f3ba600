#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lockstep::nn {

struct RoiAlignOptions {
  double spatial_scale = 1.0;       ///< pixels of the features a pixel of the boxes: 1 / stride
  std::int64_t output_size = 7;     ///< bins a side
  std::int64_t sampling_ratio = 2;  ///< places a side at which a bin is looked at; 0: as many as it has pixels
};

/// Cuts boxes out of feature maps: each becomes output_size × output_size bins, a bin being the mean of features at
/// places in it, taken bilinearly: He et al., "Mask R-CNN", ICCV 2017. The numbers are those of
/// torchvision.ops.roi_align with aligned=True.
///
/// features: (batch, channels, height, width), float32 or float64, other types are computed in float32; boxes: (n, 5)
/// of image, x0, y0, x1, y1, the image a whole number below batch. Gives (n, channels, output_size, output_size). A
/// gradient goes to the features, none to the boxes. Forward and backward add up in an order of their own, whatever the
/// number of threads, on CPU and CUDA.
at::Tensor roi_align(const at::Tensor& features, const at::Tensor& boxes, const RoiAlignOptions& options);

}  // namespace lockstep::nn
