#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/checkpoint/run_folder.h"

namespace lockstep::checkpoint {

/// A run in another folder that is to be gone on with. Its folder is only read.
struct OriginRun {
  std::filesystem::path snapshot;             ///< from where; it is whole
  std::vector<std::string> passed_over;       ///< why not a newer one, in words
  std::optional<std::filesystem::path> best;  ///< the snapshot of its best evaluation, where it is there and whole
  std::filesystem::path run_folder;           ///< empty where the snapshot lies alone

  /// The options of the run, where they are known.
  std::optional<std::filesystem::path> recipe() const;
};

/// The run in a folder: a run folder, of which the newest whole snapshot is taken, or one snapshot. Throws DataError
/// where it is neither, or is damaged.
OriginRun find_origin_run(const std::filesystem::path& folder);

/// Copies the run's snapshots into a run folder that has none: the best one, and then the one to go on from. Killed in
/// between, it leaves none, or a run that goes on from the best one to the same end. Throws DataError and MachineError.
void take_up(const OriginRun& origin, const RunFolder& into);

}  // namespace lockstep::checkpoint
