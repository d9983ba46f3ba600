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

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// Finds the camouflaged object of an image: EdgeNeXt ("backbone") and a pyramid decoder ("decoder").
class CamouflageNetwork : public torch::nn::Module {
 public:
  /// Throws UsageError as `CamouflageNetworkOptions::validate`.
  explicit CamouflageNetwork(const CamouflageNetworkOptions& options);

  /// images: (batch, 3, height, width) float, normalised; height and width are multiples of 32, else UsageError. Gives
  /// logits: (batch, 1, height, width), above 0 where there is an object.
  at::Tensor forward(const at::Tensor& images);

 private:
  nn::LayerCounter layers_;
  std::shared_ptr<EdgeNeXt> backbone_;
  std::shared_ptr<PyramidDecoder> decoder_;
};

}  // namespace lockstep::models
