#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/checkpoint/state.h"

namespace lockstep::checkpoint {

/// A run at one moment between two steps.
struct Snapshot {
  State state;
  NamedTensors model;
  NamedTensors ema;  ///< the averaged weights; empty where the run keeps none
  NamedTensors optimizer;
};

/// The snapshots of a run, in `checkpoints/` of its folder: `step-00001234/` with model.safetensors,
/// ema.safetensors where there is an average, optimizer.safetensors and state.json; the text files `last` and `best`
/// name one of them each.
class SnapshotFolder {
 public:
  explicit SnapshotFolder(const std::filesystem::path& run_folder);

  /// Writes a snapshot aside, flushes it, renames it, and makes `last` name it (and `best`, if asked for). Then removes
  /// all but the newest `keep`, the best and the last. Gives its folder. Throws MachineError where the disk does not
  /// take it; the snapshots before it are then as they were.
  std::filesystem::path save(const Snapshot& snapshot, bool is_best, int keep) const;

  /// Whether there is a snapshot to resume from, be it damaged.
  bool has_last() const { return std::filesystem::exists(folder_ / "last"); }

  /// The folder that `last` or `best` names, if there is one. Throws DataError where it names one that is not there.
  std::optional<std::filesystem::path> last() const { return named("last"); }
  std::optional<std::filesystem::path> best() const { return named("best"); }

 private:
  std::optional<std::filesystem::path> named(const std::string& pointer) const;
  void retain(int keep) const;

  std::filesystem::path folder_;
};

/// The file in which a snapshot keeps the weights, and the run folder the best of them.
inline constexpr const char* kModelFile = "model.safetensors";

/// The file with the best weights that a run has so far: of the best snapshot, else of the last one; the averaged ones
/// where there are such. Throws DataError where the run has none.
std::filesystem::path best_weights(const std::filesystem::path& run_folder);

/// Reads a snapshot; throws DataError that names the file that is missing or broken.
Snapshot load_snapshot(const std::filesystem::path& folder);

}  // namespace lockstep::checkpoint
