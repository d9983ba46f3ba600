#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <optional>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
#include "lockstep/checkpoint/host_copy.h"
#include "lockstep/checkpoint/snapshot_folder.h"

namespace lockstep::checkpoint {

/// How the saving of one snapshot went.
struct SaveReport {
  std::int64_t step = 0;
  std::filesystem::path folder;         ///< empty after a failure
  std::uint64_t bytes = 0;              ///< of tensors that were written; none where only the state was
  double stall_seconds = 0;             ///< that save() took: the wait for the snapshot before, and the copy
  double write_seconds = 0;             ///< beside the run, until the snapshot was whole on the disk and named
  std::optional<MachineError> failure;  ///< the snapshots before it are as they were
};

struct WriterOptions {
  int keep = 2;                                 ///< snapshots that stay beside the best
  std::uint64_t spare_bytes = 64ULL << 20;      ///< that must be free on the disk beside a snapshot, but for the last
  std::function<void(const SaveReport&)> told;  ///< called after each save, in the thread that writes
};

/// Writes the snapshots of a run in a thread beside it, one at a time. Its calls come from one thread, but for those
/// that say otherwise.
class SnapshotWriter {
 public:
  SnapshotWriter(SnapshotFolder folder, WriterOptions options);
  ~SnapshotWriter();  ///< waits for what is being written
  SnapshotWriter(const SnapshotWriter&) = delete;
  SnapshotWriter& operator=(const SnapshotWriter&) = delete;

  /// Copies the snapshot and lets it be written: its tensors may change afterwards. Waits for the one before. What the
  /// disk refuses is told (WriterOptions); what `told` threw at the save before, this throws.
  void save(const Snapshot& snapshot, bool is_best);

  /// Gives the snapshot of that step another state, once it is written; one of an earlier process, too. Where it could
  /// not be written, but was the last one to be saved, all of it is tried again. Waits for nothing.
  void amend(const State& state, bool is_best);

  /// Whether something is being written, still after so long; save() would wait for it. Any thread may ask.
  bool is_busy(Seconds wait = Seconds(0)) const;

  /// For who leaves a run that may still go on in another thread: from now on nothing more is written. Waits for what
  /// is being written, and says whether that is over within this time. Any thread may call it.
  bool close_within(Seconds at_most) noexcept;

  /// Waits for what is being written. Where all that the disk lacked for the last snapshot was the spare room, it is
  /// written now: nothing comes after it that would need that. Throws the MachineError of the last save or amend, if it
  /// failed, once.
  void finish();

  /// Waits at most that long, for who must leave. Whether all is written then, and well.
  bool finish_within(Seconds at_most) noexcept;

 private:
  void begin(std::function<void()> work);
  std::shared_future<void> writing() const;
  void save_copy(SaveReport& report, bool is_best, std::uint64_t spare_bytes);
  void amend_written(SaveReport& report, const State& state, bool is_best);
  void named(SaveReport& report, const std::filesystem::path& folder, bool is_best);
  void tell(SaveReport report, const std::function<void(SaveReport&)>& work);
  void wait();

  SnapshotFolder folder_;
  WriterOptions options_;
  HostCopy copy_;
  std::optional<MachineError> failure_;   ///< of the last one
  std::optional<bool> lacks_spare_room_;  ///< why the copy is not on the disk, if so; then: whether it is of the best
  mutable std::mutex mutex_;              ///< of what follows
  bool is_closed_ = false;
  std::shared_future<void> writing_;  ///< the last member: it is waited for before the others go
};

}  // namespace lockstep::checkpoint
