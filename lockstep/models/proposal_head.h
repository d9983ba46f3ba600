#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/models/feature_pyramid.h"

namespace lockstep::models {

/// What the proposal head says at every place of all levels, from fine to coarse, row by row.
struct DenseAnswers {
  at::Tensor objectness;  ///< (batch, places) logits
  at::Tensor boxes;       ///< (batch, places, 4) x0, y0, x1, y1 in pixels of the image
  at::Tensor places;      ///< (places, 3): x and y of the place's middle in pixels, and its stride
};

/// Looks for objects of any class, without anchors: at each place whether there is the middle of one, and how far its
/// sides are: Tian et al., "FCOS: Fully convolutional one-stage object detection", ICCV 2019. The levels share its
/// weights, but for a factor of the distances.
class ProposalHead : public torch::nn::Module {
 public:
  explicit ProposalHead(std::int64_t width);

  /// levels: of a FeaturePyramid.
  DenseAnswers forward(const std::vector<at::Tensor>& levels);

 private:
  std::shared_ptr<ConvNormGelu> tower_;
  torch::nn::Conv2d objectness_;
  torch::nn::Conv2d distances_;
  at::Tensor objectness_bias_;
  at::Tensor distance_scale_;  ///< (levels)
  at::Tensor distance_bias_;   ///< (4)
};

/// Boxes of a batch of images; no gradient passes.
struct Proposals {
  at::Tensor boxes;       ///< (n, 5): image, x0, y0, x1, y1
  at::Tensor objectness;  ///< (n) probabilities
};

/// The best boxes of each image, at most `count`, after non-maximum suppression, cut off at the image's sides.
Proposals best_proposals(const DenseAnswers& answers, std::int64_t height, std::int64_t width, std::int64_t count);

}  // namespace lockstep::models
