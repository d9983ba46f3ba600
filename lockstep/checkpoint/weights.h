#pragma once

#include <torch/torch.h>

#include <cstdint>
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

/// A tensor of a file, and what the network has under its name.
struct ShapeMismatch {
  std::string name;  ///< in the file
  std::vector<std::int64_t> stored;
  std::vector<std::int64_t> wanted;
};

/// What became of every name.
struct LoadReport {
  std::vector<std::string> matched;           ///< weights of the network that were loaded
  std::vector<std::string> missing;           ///< weights of the network that the file lacks
  std::vector<std::string> unused;            ///< tensors of the file that the network lacks
  std::vector<ShapeMismatch> shape_mismatch;  ///< tensors of the file whose shape differs from the network's
};

/// The report for a person: how many of each kind, and the first names of those that were not loaded.
std::string describe(const LoadReport& report);

/// Copies tensors into the network's weights, in place, by name and shape. "module." and "_orig_mod." before a
/// name, which PyTorch's DistributedDataParallel and its compiler leave there, are taken off. Throws DataError where
/// nothing matches, or, with `everything`, where anything does not; the network is then as it was.
LoadReport load_weights(torch::nn::Module& network, const NamedTensors& tensors, const LoadOptions& options);

}  // namespace lockstep::checkpoint
