#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {

/// The snapshots of a run, in `checkpoints/` of its folder: `step-00001234/` with model.safetensors, ema.safetensors
/// where there is an average, optimizer.safetensors, state.json and manifest.json; the text files `last` and `best`
/// name one of them each. One process at a time may change them: who holds the run folder.
class SnapshotFolder {
 public:
  explicit SnapshotFolder(const std::filesystem::path& run_folder);

  /// Writes a snapshot aside, flushes it, reads it back from the disk, and puts it in its place, where it takes that of
  /// one of the same step; gives its folder. Nothing names it yet. Throws MachineError where the disk does not take it
  /// or gives back something else; the snapshots that are there are then as they were.
  std::filesystem::path write(const Snapshot& snapshot) const;

  /// Gives the snapshot of the state's step that is there another state; its tensors are not written again (where the
  /// file system has no hard links, they are copied). Throws as write(), and where there is no such snapshot.
  std::filesystem::path amend(const State& state) const;

  /// Whether there is a snapshot of that step, be it damaged.
  bool has(std::int64_t step) const { return std::filesystem::exists(folder_ / snapshot_name(step)); }

  /// Makes `last` (and before it `best`, if asked for) name a snapshot. A folder of that name is moved aside. Throws
  /// MachineError.
  void point(const std::filesystem::path& snapshot, bool is_best) const;

  /// Removes all but the newest `keep`, the best and the last; to be called only when the new one is whole and named.
  void retain(int keep) const;

  /// What the disk has left for snapshots, in bytes. Throws MachineError where the folder cannot be made.
  std::uint64_t room() const;

  /// Removes the oldest ones that are neither the last nor the best until there are `needed` bytes where now there are
  /// `room`. Throws MachineError, and removes none, where that many cannot be had.
  void make_room(std::uint64_t needed, std::uint64_t room) const;

  /// write(), point() and retain().
  std::filesystem::path save(const Snapshot& snapshot, bool is_best, int keep) const;

  /// Mends what a killed program left behind: puts a snapshot back that was to be replaced, and removes what was
  /// written half, here and in the run folder. To be called before others read here. Throws MachineError.
  void recover() const;

  /// A snapshot to resume from, and why it is not a newer one, in words.
  struct Choice {
    std::filesystem::path folder;
    std::vector<std::string> passed_over;
  };

  /// The one that `last` names, if it is whole; else the newest whole one before it; else the oldest of those after it.
  /// Nothing where there are no snapshots. After another choice than the last one, point() must name it before more is
  /// saved, or it might be removed for one that is damaged. Reads all of what it looks at. Throws DataError where all
  /// are damaged.
  std::optional<Choice> choose() const;

  /// Newest first, by their steps.
  std::vector<std::filesystem::path> all() const;

  /// Whether there is a snapshot to resume from, be it damaged.
  bool has_any() const;

  /// The folder that `last` or `best` names, if there is one. Throws DataError where it names one that is not there, or
  /// is no file.
  std::optional<std::filesystem::path> last() const { return named("last"); }
  std::optional<std::filesystem::path> best() const { return named("best"); }

 private:
  std::optional<std::filesystem::path> named(const std::string& pointer) const;
  std::vector<std::filesystem::path> removable() const;

  /// Fills a folder beside the others and then lets it be the snapshot of `step`.
  template <typename Fill>
  std::filesystem::path replace(std::int64_t step, const Fill& fill) const;

  std::filesystem::path run_folder_;
  std::filesystem::path folder_;
};

/// The file with the best weights that a run has so far: of the best snapshot, else of the last one; the averaged ones
/// where there are such. A damaged file is passed over with a warning. Throws DataError where the run has none.
std::filesystem::path best_weights(const std::filesystem::path& run_folder);

}  // namespace lockstep::checkpoint
