#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>

#include "lockstep/models/edgenext.h"
#include "lockstep/models/pyramid_decoder.h"

namespace lockstep::models {

struct CamouflageNetworkOptions {
  std::string backbone = "edgenext_base";  ///< one of edgenext_variants()
  std::int64_t decoder_width = 64;         ///< channels of the decoder, a multiple of 8
  double drop_path = 0.0;                  ///< of the backbone's last block
  double dropout = 0.0;                    ///< of the channels before the head
  std::int64_t num_experts = 7;            ///< experts in the decoder: 0 for none, or at least 2
  std::int64_t moe_top_k = 0;              ///< experts that a pixel goes to; 0: all
  bool boundary_head = true;               ///< finds edges in training, too
  bool side_outputs = false;               ///< answers at the decoder's coarser scales in training, too
  bool gradient_checkpointing = false;     ///< less memory for activations, for a second forward pass in backward

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// Finds the camouflaged object of an image: EdgeNeXt ("backbone") and a pyramid decoder ("decoder").
class CamouflageNetwork : public torch::nn::Module {
 public:
  /// Throws UsageError as `CamouflageNetworkOptions::validate`.
  explicit CamouflageNetwork(const CamouflageNetworkOptions& options);

  /// images: (batch, 3, height, width) float, normalised; height and width are multiples of 32, else UsageError. All
  /// logits are of that size. In evaluation mode there are neither boundary nor sides.
  SegmentationOutputs forward(const at::Tensor& images);

  /// As EdgeNeXt::set_memory_format; the decoder follows.
  void set_memory_format(at::MemoryFormat format) { backbone_->set_memory_format(format); }

 private:
  nn::LayerCounter layers_;
  std::shared_ptr<EdgeNeXt> backbone_;
  std::shared_ptr<PyramidDecoder> decoder_;
};

}  // namespace lockstep::models
