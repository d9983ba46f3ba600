#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "lockstep/checkpoint/safetensors.h"

namespace lockstep::checkpoint {

/// Weights from elsewhere.
struct WeightsFile {
  std::filesystem::path path;
  NamedTensors tensors;               ///< on the CPU; of PyTorch's, several may share memory and be strided
  std::string part;                   ///< of PyTorch's file, such as "model_ema"; empty where it is all of it
  std::optional<std::int64_t> epoch;  ///< that the file says it is from

  /// The path, and the part in words.
  std::string name() const;
};

/// Reads a safetensors file or one that torch.save wrote (core/torch_archive.h), whichever it is. Throws DataError,
/// naming the file, for what is neither or is broken; nothing in it is ever run.
WeightsFile read_weights_file(const std::filesystem::path& path);

}  // namespace lockstep::checkpoint
