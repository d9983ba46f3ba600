#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "lockstep/base/files.h"
#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {

inline Snapshot snapshot_at(std::int64_t step) {
  Snapshot snapshot;
  snapshot.state.step = step;
  snapshot.model = {{"weight", at::full({2, 3}, static_cast<double>(step))}, {"bias", at::arange(3, at::kFloat)}};
  snapshot.optimizer = {{"weight.moment", at::full({2, 3}, 0.5)}, {"weight.steps", at::full({}, step, at::kLong)}};
  return snapshot;
}

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename());
  }
  return names;
}

/// Changes one bit in the middle of a file.
inline void flip_a_bit(const std::filesystem::path& path) {
  std::string content = read_text(path);
  content[content.size() / 2] ^= 1;
  write_file_atomically(path, content);
}

}  // namespace lockstep::checkpoint
