#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/nn/experts.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"

namespace lockstep::models {

struct PyramidDecoderOptions {
  std::array<std::int64_t, 4> channels{};  ///< of the features, from fine to coarse
  std::int64_t width = 64;                 ///< channels inside the decoder: a multiple of 8
  double dropout = 0.0;                    ///< probability with which a channel is dropped before the head
  std::int64_t num_experts = 0;            ///< experts that work on the features at 1/8: 0, or at least 2
  std::int64_t moe_top_k = 0;              ///< experts that a pixel goes to; 0: all
  bool boundary_head = false;              ///< answers in training where the mask's edges are, too
  bool side_outputs = false;               ///< answers in training at the coarser scales, too
  bool gradient_checkpointing = false;     ///< computes activations anew in backward instead of keeping them

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// What a network says of each pixel, in logits, with what its experts did.
struct SegmentationOutputs {
  at::Tensor logits;              ///< (batch, 1, height, width), above 0 where there is an object
  at::Tensor boundary;            ///< the same shape, above 0 near an edge of the mask; undefined without such a head
  std::vector<at::Tensor> sides;  ///< answers of the coarser scales, from fine to coarse; (batch, 1, height, width)
  at::Tensor expert_load;         ///< (batch, experts), as nn::ExpertsOutputs; undefined without experts
  at::Tensor balance;             ///< (batch), as nn::ExpertsOutputs; undefined where no pixel chooses
};

/// Goes from the coarsest features to the finest, adding detail at every scale, after Lin et al., "Feature pyramid
/// networks for object detection", CVPR 2017. It normalises within the sample (group norm), so that neither batch size
/// nor rank count changes what it computes. Experts work where features of 1/8 of the resolution have been added:
/// object and background differ in texture there, for a quarter of what it costs at 1/4.
class PyramidDecoder : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  PyramidDecoder(const PyramidDecoderOptions& options, nn::LayerCounter& layers);

  /// features: four of (batch, channels, height, width), each at least as fine as the next. Logits and boundary are at
  /// the finest scale, each side output at its own. Boundary and sides are for training: none in evaluation mode.
  SegmentationOutputs forward(const std::vector<at::Tensor>& features);

 private:
  at::Tensor fuse(std::size_t scale, const at::Tensor& features, const at::Tensor& coarser);
  at::Tensor consult_experts(const at::Tensor& features, SegmentationOutputs& outputs);
  at::Tensor find_boundary(const at::Tensor& features);

  bool gradient_checkpointing_;
  torch::nn::ModuleList laterals_;  ///< one a scale
  torch::nn::ModuleList fusions_;   ///< one a scale but the coarsest
  std::shared_ptr<nn::ChannelDropout> dropout_;
  torch::nn::Conv2d head_;
  std::shared_ptr<nn::Experts> experts_;  ///< null without experts
  torch::nn::Sequential boundary_head_;   ///< null without boundary head
  torch::nn::ModuleList side_heads_;      ///< one a scale but the finest; null without side outputs
};

}  // namespace lockstep::models
