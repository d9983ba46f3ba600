#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/checkpoint/file_sum.h"
#include "lockstep/checkpoint/safetensors_header.h"

/// The safetensors format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON header,
/// the header, then the tensors' bytes. It holds numbers only, so a file from a stranger is safe to open.
namespace lockstep::checkpoint {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Element types: float 64, 32, 16, bfloat16, int 64, 32, uint8, bool.
struct SafetensorsFile {
  NamedTensors tensors;  ///< in the file's order; on the CPU, contiguous, each owning its memory
  std::map<std::string, std::string> metadata;
};

/// Writes tensors of any device and layout, atomically, one after the other; wide element types come first, else the
/// order is kept. Names must differ. Gives the sum of what was written. Throws MachineError where the file cannot be
/// written.
FileSum write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                          const std::map<std::string, std::string>& metadata = {});

/// Throws DataError, naming the file, where it cannot be read or is not what the format asks for; needs memory
/// in proportion to the size of the file, whatever its header claims.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// Which tensors a file has, of which no more than the header is read; throws as read_safetensors().
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

}  // namespace lockstep::checkpoint
