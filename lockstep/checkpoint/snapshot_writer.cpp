#include "lockstep/checkpoint/snapshot_writer.h"

#include <system_error>
#include <utility>

#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {

SnapshotWriter::SnapshotWriter(SnapshotFolder folder, WriterOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {}

SnapshotWriter::~SnapshotWriter() {
  if (writing_.valid()) {
    const ProbeScope probe("write of the last snapshot");
    writing_.wait();
  }
}

void SnapshotWriter::save(const Snapshot& snapshot, bool is_best) {
  const Stopwatch stall;
  wait();
  copy_.take(snapshot);
  SaveReport report{.step = snapshot.state.step, .folder = {}, .failure = std::nullopt};
  report.stall_seconds = stall.seconds();
  writing_ = std::async(std::launch::async,
                        [this, report, is_best] { tell(report, [&](SaveReport& told) { save_copy(told, is_best); }); });
}

void SnapshotWriter::amend(const State& state, bool is_best) {
  writing_ = std::async(std::launch::async, [this, state, is_best, before = std::move(writing_)]() mutable {
    if (before.valid()) {
      before.get();
    }
    const SaveReport report{.step = state.step, .folder = {}, .failure = std::nullopt};
    tell(report, [&](SaveReport& told) { amend_written(told, state, is_best); });
  });
}

bool SnapshotWriter::is_busy(Seconds wait) const {
  return writing_.valid() && writing_.wait_for(wait) != std::future_status::ready;
}

void SnapshotWriter::finish() {
  wait();
  if (const auto failure = std::exchange(failure_, std::nullopt)) {
    throw MachineError(*failure);
  }
}

bool SnapshotWriter::finish_within(Seconds at_most) noexcept {
  try {
    if (writing_.valid() && writing_.wait_for(at_most) != std::future_status::ready) {
      return false;
    }
    finish();
    return true;
  } catch (const std::exception&) {  // told already, or nobody is left to tell
    return false;
  }
}

void SnapshotWriter::save_copy(SaveReport& report, bool is_best) {
  constexpr std::uint64_t kFewPercent = 20;  // one in twenty, for headers and what file systems add
  report.bytes = copy_.bytes();
  folder_.make_room(report.bytes + report.bytes / kFewPercent + options_.spare_bytes, folder_.room());
  named(report, folder_.write(copy_.snapshot()), is_best);
}

void SnapshotWriter::amend_written(SaveReport& report, const State& state, bool is_best) {
  if (!folder_.has(state.step) && copy_.snapshot().state.step == state.step) {
    copy_.amend(state);
    save_copy(report, is_best);
  } else {
    named(report, folder_.amend(state), is_best);
  }
}

void SnapshotWriter::named(SaveReport& report, const std::filesystem::path& folder, bool is_best) {
  folder_.point(folder, is_best);
  folder_.retain(options_.keep);
  report.folder = folder;
}

void SnapshotWriter::tell(SaveReport report, const std::function<void(SaveReport&)>& work) {
  const Stopwatch writing;
  try {
    work(report);
  } catch (const MachineError& error) {
    report.failure = error;
  } catch (const std::filesystem::filesystem_error& error) {
    report.failure = MachineError(error.what(), "look at the disk");
  }
  report.write_seconds = writing.seconds();
  failure_ = report.failure;
  if (options_.told) {
    options_.told(report);
  }
}

void SnapshotWriter::wait() {
  if (writing_.valid()) {
    writing_.get();
  }
}

}  // namespace lockstep::checkpoint
