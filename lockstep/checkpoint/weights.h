#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "lockstep/checkpoint/safetensors.h"

namespace lockstep::checkpoint {

/// What is kept of a network: its parameters and buffers by name, in the order of construction. They share the
/// network's memory.
NamedTensors named_weights(const torch::nn::Module& network);

struct LoadOptions {
  std::string source;       ///< where the tensors come from, for the messages
  std::string prefix;       ///< tried before a name that the network does not have, such as "backbone."
  bool everything = false;  ///< whether anything that does not match is a DataError
};

/// What became of every name.
struct LoadReport {
  std::vector<std::string> matched;         ///< weights of the network that were loaded
  std::vector<std::string> missing;         ///< weights of the network that the file lacks
  std::vector<std::string> unused;          ///< tensors of the file that the network lacks
  std::vector<std::string> shape_mismatch;  ///< tensors of the file whose shape differs from the network's
};

/// Copies tensors into the network's weights, in place, by name and shape. "module." before a name, which PyTorch's
/// DistributedDataParallel leaves there, is taken off. Throws DataError where nothing matches, or, with `everything`,
/// where anything does not; the network is then as it was.
LoadReport load_weights(torch::nn::Module& network, const NamedTensors& tensors, const LoadOptions& options);

}  // namespace lockstep::checkpoint
