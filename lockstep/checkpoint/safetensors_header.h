#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/base/error.h"

/// The header of a safetensors file: which tensors lie where.
namespace lockstep::checkpoint {

/// Where one tensor lies.
struct SafetensorsEntry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< counted from the header's end, in bytes
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of the data, without gap or overlap
  std::map<std::string, std::string> metadata;
};

/// What the format calls an element type: "F32", "I64".
const char* safetensors_type(at::ScalarType dtype);

/// The header as JSON.
std::string to_json(const SafetensorsHeader& header);

/// Reads and checks a header before `data_bytes` bytes of data; `path` is for the messages. What it gives can be
/// trusted: shapes and sizes fit each other and the data. Throws DataError.
SafetensorsHeader parse_safetensors_header(std::string_view content, std::uint64_t data_bytes,
                                           const std::filesystem::path& path);

/// What to throw for a file that is not what the format asks for.
DataError broken_safetensors(const std::filesystem::path& path, const std::string& problem);

}  // namespace lockstep::checkpoint
