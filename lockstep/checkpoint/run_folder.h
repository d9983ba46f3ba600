#pragma once

#include <filesystem>

#include "lockstep/checkpoint/snapshot_folder.h"

namespace lockstep::checkpoint {

/// The file in which the options of a run are kept.
inline constexpr const char* kRecipeFile = "recipe.toml";

/// The folder in which everything lies that a run makes, held by one process at a time.
class RunFolder {
 public:
  /// Creates the folder where it is missing. Throws MachineError where it cannot be written, or another process trains
  /// in it.
  explicit RunFolder(std::filesystem::path path);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path recipe() const { return path_ / kRecipeFile; }
  std::filesystem::path metrics() const { return path_ / "metrics.json"; }
  std::filesystem::path best_model() const { return path_ / kModelFile; }

  /// Whether a run is here that can be resumed.
  bool has_run() const { return std::filesystem::exists(recipe()) && SnapshotFolder(path_).has_any(); }

  /// Whether a run was begun here, even if it left no snapshot.
  bool has_traces() const { return std::filesystem::exists(recipe()); }

  /// Moves what the run here has made into a new folder `previous-N` beside it in the run folder, so that another can
  /// begin, and gives its path. Throws MachineError where that fails.
  std::filesystem::path set_aside() const;

 private:
  std::filesystem::path path_;
  int lock_;
};

}  // namespace lockstep::checkpoint
