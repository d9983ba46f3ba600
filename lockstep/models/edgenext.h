#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/nn/keyed_random.h"

namespace lockstep::models {

/// What tells the members of the EdgeNeXt family apart.
struct EdgeNeXtVariant {
  std::string name;                    ///< as in timm: "edgenext_xx_small"
  std::array<std::int64_t, 4> depths;  ///< blocks a stage
  std::array<std::int64_t, 4> channels;
  std::int64_t heads;
};

/// The variants that exist, from small to large.
const std::vector<EdgeNeXtVariant>& edgenext_variants();

/// The variant of that name. Throws UsageError, which lists the names, where there is none.
const EdgeNeXtVariant& edgenext_variant(const std::string& name);

/// EdgeNeXt without its classifier: features of an image at four scales. Parameters are named as in timm, and timm's
/// weights give timm's features. Copies that are used by different threads share nothing.
class EdgeNeXt : public torch::nn::Module {
 public:
  /// `drop_path`: probability with which the last block is dropped in training; it grows linearly from 0 at the first.
  EdgeNeXt(const EdgeNeXtVariant& variant, double drop_path, nn::LayerCounter& layers);

  /// images: (batch, 3, height, width) float, normalised, at least 32 × 32. Gives (batch, channels, height / s,
  /// width / s) for the strides s = 4, 8, 16, 32.
  std::vector<at::Tensor> forward(const at::Tensor& images);

 private:
  torch::nn::Sequential stem_;
  torch::nn::ModuleList stages_;
};

}  // namespace lockstep::models
