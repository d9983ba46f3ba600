#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>

namespace lockstep::parity {

/// A classifier of images; networks.py has the same in PyTorch.
class Network : public torch::nn::Module {
 public:
  /// images: (batch, 3, side, side) float32. Gives logits: (batch, classes).
  virtual at::Tensor forward(const at::Tensor& images) = 0;
};

/// The network of that name, "small_convolutions", "pool_network" or a variant of EdgeNeXt. Its weights are a function
/// of the seed; all of them are random, biases and scales too, so that each of them shows.
std::shared_ptr<Network> make_network(const std::string& name, std::int64_t classes, std::uint64_t seed);

}  // namespace lockstep::parity
