#include "lockstep/checkpoint/snapshot_writer.h"

#include <system_error>
#include <utility>

#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {

SnapshotWriter::SnapshotWriter(SnapshotFolder folder, WriterOptions options)
    : folder_(std::move(folder)), options_(std::move(options)) {}

SnapshotWriter::~SnapshotWriter() {
  if (const std::shared_future<void> last = writing(); last.valid()) {
    const ProbeScope probe("write of the last snapshot");
    last.wait();
  }
}

void SnapshotWriter::save(const Snapshot& snapshot, bool is_best) {
  const Stopwatch stall;
  wait();
  copy_.take(snapshot);
  SaveReport report{.step = snapshot.state.step, .folder = {}, .failure = std::nullopt};
  report.stall_seconds = stall.seconds();
  begin([this, report, is_best] {
    tell(report, [&](SaveReport& told) { save_copy(told, is_best, options_.spare_bytes); });
  });
}

void SnapshotWriter::amend(const State& state, bool is_best) {
  begin([this, state, is_best, before = writing()] {
    if (before.valid()) {
      before.get();
    }
    const SaveReport report{.step = state.step, .folder = {}, .failure = std::nullopt};
    tell(report, [&](SaveReport& told) { amend_written(told, state, is_best); });
  });
}

void SnapshotWriter::begin(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (!is_closed_) {
    writing_ = std::async(std::launch::async, std::move(work)).share();
  }
}

std::shared_future<void> SnapshotWriter::writing() const {
  const std::lock_guard lock(mutex_);
  return writing_;
}

bool SnapshotWriter::is_busy(Seconds wait) const {
  const std::shared_future<void> last = writing();
  return last.valid() && last.wait_for(wait) != std::future_status::ready;
}

bool SnapshotWriter::close_within(Seconds at_most) noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  return !is_busy(at_most);
}

void SnapshotWriter::finish() {
  wait();
  if (const auto is_best = std::exchange(lacks_spare_room_, std::nullopt)) {
    const SaveReport report{.step = copy_.snapshot().state.step, .folder = {}, .failure = std::nullopt};
    tell(report, [&](SaveReport& told) { save_copy(told, *is_best, /*spare_bytes=*/0); });
    lacks_spare_room_.reset();  // not even without
  }
  if (const auto failure = std::exchange(failure_, std::nullopt)) {
    throw MachineError(*failure);
  }
}

bool SnapshotWriter::finish_within(Seconds at_most) noexcept {
  try {
    if (is_busy(at_most)) {
      return false;
    }
    finish();
    return true;
  } catch (const std::exception&) {  // told already, or nobody is left to tell
    return false;
  }
}

void SnapshotWriter::save_copy(SaveReport& report, bool is_best, std::uint64_t spare_bytes) {
  constexpr std::uint64_t kFewPercent = 20;  // one in twenty, for headers and what file systems add
  report.bytes = copy_.bytes();
  lacks_spare_room_ = is_best;
  folder_.make_room(report.bytes + report.bytes / kFewPercent + spare_bytes, folder_.room());
  lacks_spare_room_.reset();
  named(report, folder_.write(copy_.snapshot()), is_best);
}

void SnapshotWriter::amend_written(SaveReport& report, const State& state, bool is_best) {
  if (!folder_.has(state.step) && copy_.snapshot().state.step == state.step) {
    copy_.amend(state);
    save_copy(report, is_best, options_.spare_bytes);
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

/// What `told` threw, this throws once.
void SnapshotWriter::wait() {
  if (const std::shared_future<void> last = writing(); last.valid()) {
    last.wait();
    {
      const std::lock_guard lock(mutex_);
      writing_ = {};
    }
    last.get();
  }
}

}  // namespace lockstep::checkpoint
