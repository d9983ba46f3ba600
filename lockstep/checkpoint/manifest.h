#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "lockstep/checkpoint/file_sum.h"

namespace lockstep::checkpoint {

/// The file of a snapshot that lists the others, written after them.
inline constexpr const char* kManifestFile = "manifest.json";

/// What a snapshot consists of, beside the manifest itself.
struct Manifest {
  std::int64_t step = 0;
  std::vector<FileSum> files;
};

/// Throws MachineError where it cannot be written.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// Nothing where the snapshot has none, as those of programs before had not. Throws DataError where it is broken.
std::optional<Manifest> read_manifest(const std::filesystem::path& folder);

}  // namespace lockstep::checkpoint
