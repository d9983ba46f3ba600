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

struct EdgeNeXtOptions {
  double drop_path = 0.0;  ///< probability to drop the last block in training; it grows linearly from 0 at the first
  bool gradient_checkpointing = false;  ///< keep the inputs of blocks alone, and compute the rest anew in backward
};

/// EdgeNeXt without its classifier: features of an image at four scales. Parameters are named as in timm, and timm's
/// weights give timm's features. Copies that are used by different threads share nothing.
class EdgeNeXt : public torch::nn::Module {
 public:
  EdgeNeXt(const EdgeNeXtVariant& variant, const EdgeNeXtOptions& options, nn::LayerCounter& layers);

  /// How features lie in memory, inside and in what `forward` gives: channels last (the default) or contiguous. It
  /// changes results by rounding only.
  void set_memory_format(at::MemoryFormat format);

  /// images: (batch, 3, height, width) float, normalised, at least 32 × 32. Gives (batch, channels, height / s,
  /// width / s) for the strides s = 4, 8, 16, 32.
  std::vector<at::Tensor> forward(const at::Tensor& images);

 private:
  at::MemoryFormat memory_format_ = at::MemoryFormat::ChannelsLast;
  torch::nn::Sequential stem_;
  torch::nn::ModuleList stages_;
};

}  // namespace lockstep::models
