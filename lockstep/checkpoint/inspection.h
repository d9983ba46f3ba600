#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace lockstep::checkpoint {

/// What a look at the files of a snapshot has found.
struct Inspection {
  std::optional<std::string> damage;  ///< what is wrong, naming the file; nothing where the snapshot is whole
  bool has_sums = true;     ///< false without a manifest: that the files can be read is then all that is known
  std::uint64_t bytes = 0;  ///< of its files
};

/// Reads every byte of a snapshot and compares it with the manifest, and reads the state and the tensors' headers.
/// Throws nothing for what a file holds or lacks.
Inspection inspect(const std::filesystem::path& folder);

/// The same of one file of it.
std::optional<std::string> damage_of(const std::filesystem::path& folder, const std::string& file);

/// The size of a snapshot's files together.
std::uint64_t bytes_in(const std::filesystem::path& folder);

}  // namespace lockstep::checkpoint
