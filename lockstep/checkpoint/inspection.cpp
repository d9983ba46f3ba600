#include "lockstep/checkpoint/inspection.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/manifest.h"
#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {
namespace {

/// Finds damage as exceptions: most of what can be wrong is found by the readers.
class Inspector {
 public:
  explicit Inspector(const std::filesystem::path& folder) : folder_(folder), manifest_(read_manifest(folder)) {}

  bool has_sums() const { return manifest_.has_value(); }

  void check_file(const std::string& name) const {
    const std::filesystem::path path = folder_ / name;
    if (!std::filesystem::exists(path)) {
      throw damaged(text("'", path.string(), "' is missing"));
    }
    if (manifest_) {
      check_sum(name);
    }
    if (name != kStateFile) {
      read_safetensors_header(path);
    }
  }

  void check_all() const {
    check_file(kStateFile);
    check_file(kModelFile);
    check_file(kOptimizerFile);
    const bool lists_averages = manifest_ && find(kEmaFile) != manifest_->files.end();
    if (lists_averages || std::filesystem::exists(folder_ / kEmaFile)) {
      check_file(kEmaFile);
    }
    check_step();
    if (!manifest_ && is_of_a_program_with_sums()) {
      throw damaged(text("'", (folder_ / kManifestFile).string(), "' is missing"));
    }
  }

 private:
  std::vector<FileSum>::const_iterator find(const std::string& name) const {
    return std::ranges::find(manifest_->files, name, &FileSum::name);
  }

  void check_sum(const std::string& name) const {
    const std::string path = (folder_ / name).string();
    const auto listed = find(name);
    if (listed == manifest_->files.end()) {
      throw damaged(text("'", path, "' is not in its ", kManifestFile));
    }
    const FileSum found = sum_of(path);
    if (found.bytes != listed->bytes) {
      throw damaged(text("'", path, "' has ", found.bytes, " bytes instead of ", listed->bytes));
    }
    if (found != *listed) {
      throw damaged(text("'", path, "' is not as it was written: its CRC-32 is another"));
    }
  }

  void check_step() const {
    const std::int64_t step = load_state(folder_).step;
    const std::int64_t listed = manifest_ ? manifest_->step : step;
    if (step != listed || step != step_of(folder_).value_or(step)) {
      throw damaged(text("'", folder_.string(), "' holds a run after step ", step));
    }
  }

  /// Sums came with version 3 of the state: where it has that, the manifest was lost.
  bool is_of_a_program_with_sums() const {
    constexpr int kFirstWithSums = 3;
    return nlohmann::json::parse(read_text(folder_ / kStateFile)).at("version").get<int>() >= kFirstWithSums;
  }

  static DataError damaged(const std::string& problem) { return DataError(problem, "take another snapshot"); }

  const std::filesystem::path& folder_;
  std::optional<Manifest> manifest_;
};

}  // namespace

Inspection inspect(const std::filesystem::path& folder) {
  Inspection found{.damage = std::nullopt, .has_sums = true, .bytes = bytes_in(folder)};
  try {
    const Inspector inspector(folder);
    found.has_sums = inspector.has_sums();
    inspector.check_all();
  } catch (const DataError& error) {
    found.damage = error.problem();
  }
  return found;
}

std::optional<std::string> damage_of(const std::filesystem::path& folder, const std::string& file) {
  try {
    Inspector(folder).check_file(file);
  } catch (const DataError& error) {
    return error.problem();
  }
  return std::nullopt;
}

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (const std::uint64_t size = entry.file_size(error); !error) {
      bytes += size;
    }
  }
  return bytes;
}

}  // namespace lockstep::checkpoint
