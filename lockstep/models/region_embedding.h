#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/models/feature_pyramid.h"

namespace lockstep::models {

/// Regions that an embedded box is divided into, a side.
inline constexpr std::int64_t kRegionsASide = 3;
inline constexpr std::int64_t kRegions = kRegionsASide * kRegionsASide;

/// Boxes as vectors of length 1, float32.
struct Embeddings {
  at::Tensor whole;    ///< (boxes, width)
  at::Tensor regions;  ///< (boxes, kRegions, width), row by row
};

/// Vectors, along the last dimension, scaled to length 1; one of zeros stays one.
at::Tensor unit_length(const at::Tensor& vectors);

/// Turns boxes of an image into vectors that can be compared. A box is cut out of the level of the pyramid at which it
/// is some four to eight places wide, and out of the backbone's features at stride 4, where small parts still show.
class RegionEmbedding : public torch::nn::Module {
 public:
  /// `detail` is the number of channels at stride 4, `width` that of the pyramid and of the vectors.
  RegionEmbedding(std::int64_t detail, std::int64_t width);

  /// detail: (batch, channels, height / 4, width / 4); levels: of a FeaturePyramid; boxes: (n, 5) of image and box.
  Embeddings forward(const at::Tensor& detail, const std::vector<at::Tensor>& levels, const at::Tensor& boxes);

 private:
  std::shared_ptr<ConvNormGelu> mix_;
  torch::nn::Linear project_;
};

}  // namespace lockstep::models
