#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "lockstep/base/clock.h"
#include "lockstep/checkpoint/host_copy.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/checkpoint/snapshot_writer.h"
#include "lockstep/observe/run_log.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// Saves a run while it goes on: says when a snapshot is due, lets it be written beside the run, and tells the run's
/// log what became of it. Its calls come from one thread.
class Saver {
 public:
  /// `log` must outlive it.
  Saver(const checkpoint::RunFolder& folder, const TrainOptions& options, observe::RunLog& log);

  /// Whether the last snapshot is older than --checkpoint-minutes, or older than a minute where it could not be
  /// written; not while one is being written.
  bool is_due() const;

  /// As checkpoint::SnapshotWriter's. What the disk refuses is a warning.
  void save(const checkpoint::Snapshot& snapshot, bool is_best);
  void amend(const checkpoint::State& state, bool is_best);

  /// Keeps a copy of the run in memory, from a moment when all was well: to go back to it, and to save it where the run
  /// gets stuck later. Has nothing to do with what is being written.
  void keep(const checkpoint::Snapshot& snapshot);

  /// What was kept last.
  const checkpoint::Snapshot& kept() const { return kept_.snapshot(); }

  /// Waits for a while for what is being written, and then saves what is kept, where that is of a later step than what
  /// is on the disk. Nothing is saved afterwards. For who leaves a run of which something stands still: any thread may
  /// call it.
  void save_kept() noexcept;

  /// Waits for what is being written. The last snapshot is written also where the disk is nearly full. Throws
  /// MachineError where it is not on the disk.
  void finish() { writer_.finish(); }

  /// Waits at most that long, for who must leave. Whether the last snapshot is on the disk.
  bool finish_within(Seconds at_most) noexcept { return writer_.finish_within(at_most); }

  /// How long it took until the last snapshot that is on the disk was whole there; 0 where there is none yet.
  double last_seconds() const;

  /// What the snapshots have cost a loop of that many seconds, in words; nothing where there were none.
  std::optional<std::string> summary(double wall_seconds) const;

 private:
  void told(const checkpoint::SaveReport& report);

  const checkpoint::RunFolder& folder_;
  const TrainOptions& options_;
  observe::RunLog& log_;
  std::mutex kept_mutex_;
  checkpoint::HostCopy kept_;
  Stopwatch since_save_;
  mutable std::mutex mutex_;  ///< of what the thread that writes tells
  std::int64_t count_ = 0;    ///< of snapshots that are on the disk
  double stall_seconds_ = 0;
  double write_seconds_ = 0;
  double last_seconds_ = 0;
  bool last_has_failed_ = false;
  checkpoint::SnapshotWriter writer_;  ///< the last member: it tells the others to the end
};

}  // namespace lockstep::train
