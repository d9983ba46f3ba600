#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"

namespace lockstep::models {

struct PyramidDecoderOptions {
  std::array<std::int64_t, 4> channels{};  ///< of the features, from fine to coarse
  std::int64_t width = 64;                 ///< channels inside the decoder: a multiple of 8
  double dropout = 0.0;                    ///< probability with which a channel is dropped before the head

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// Goes from the coarsest features to the finest, adding detail at every scale, after Lin et al., "Feature pyramid
/// networks for object detection", CVPR 2017. It normalises within the sample (group norm), so that neither batch size
/// nor rank count changes what it computes.
class PyramidDecoder : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  PyramidDecoder(const PyramidDecoderOptions& options, nn::LayerCounter& layers);

  /// features: four of (batch, channels, height, width), each at least as fine as the next. Gives logits at the finest
  /// scale: (batch, 1, height, width).
  at::Tensor forward(const std::vector<at::Tensor>& features);

 private:
  torch::nn::ModuleList laterals_;  ///< one a scale
  torch::nn::ModuleList fusions_;   ///< one a scale but the coarsest
  std::shared_ptr<nn::ChannelDropout> dropout_;
  torch::nn::Conv2d head_;
};

}  // namespace lockstep::models
