#include "lockstep/train/saver.h"

#include <algorithm>
#include <cstdio>

#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

Saver::Saver(const checkpoint::RunFolder& folder, const TrainOptions& options, observe::RunLog& log)
    : folder_(folder),
      options_(options),
      log_(log),
      writer_(checkpoint::SnapshotFolder(folder.path()),
              {.keep = static_cast<int>(options.keep_checkpoints),
               .told = [this](const checkpoint::SaveReport& report) { told(report); }}) {}

bool Saver::is_due() const {
  if (writer_.is_busy()) {
    return false;
  }
  constexpr double kMinute = 60;
  const std::lock_guard lock(mutex_);
  const double seconds = options_.checkpoint_minutes * kMinute;
  return since_save_.seconds() >= (last_has_failed_ ? std::min(seconds, kMinute) : seconds);
}

void Saver::save(const checkpoint::Snapshot& snapshot, bool is_best) {
  writer_.save(snapshot, is_best);
  since_save_.lap();
}

void Saver::amend(const checkpoint::State& state, bool is_best) { writer_.amend(state, is_best); }

void Saver::keep(const checkpoint::Snapshot& snapshot) {
  const std::lock_guard lock(kept_mutex_);
  kept_.take(snapshot);
}

void Saver::save_kept() noexcept {
  constexpr Seconds kPatience{20};  // of the 30 that there are for last words
  const std::unique_lock lock(kept_mutex_, std::try_to_lock);
  if (!writer_.close_within(kPatience) || !lock || kept_.snapshot().model.empty()) {
    return;  // two must not write at once, and a copy that is not whole is none
  }
  try {
    const checkpoint::SnapshotFolder snapshots(folder_.path());
    const std::int64_t step = kept_.snapshot().state.step;
    if (const auto last = snapshots.last(); last && checkpoint::step_of(*last) >= step) {
      return;
    }
    snapshots.save(kept_.snapshot(), /*is_best=*/false, static_cast<int>(options_.keep_checkpoints));
    log::info(text("saved the run as it was after step ", step));
  } catch (const std::exception& error) {
    log::warn(text("the last good state could not be saved: ", error.what()));
  }
}

void Saver::told(const checkpoint::SaveReport& report) {
  {
    const std::lock_guard lock(mutex_);
    last_has_failed_ = report.failure.has_value();
    stall_seconds_ += report.stall_seconds;
    write_seconds_ += report.write_seconds;
    if (report.bytes > 0 && !last_has_failed_) {
      ++count_;
      last_seconds_ = report.stall_seconds + report.write_seconds;
    }
  }
  if (report.failure) {
    log::warn(text("the snapshot of step ", report.step, " could not be written: ", report.failure->what()));
    return;
  }
  log_.write(observe::CheckpointEvent{report.step, report.folder.lexically_relative(folder_.path()), report.bytes,
                                      report.stall_seconds, report.write_seconds});
}

double Saver::last_seconds() const {
  const std::lock_guard lock(mutex_);
  return last_seconds_;
}

std::optional<std::string> Saver::summary(double wall_seconds) const {
  const std::lock_guard lock(mutex_);
  if (count_ == 0) {
    return std::nullopt;
  }
  char words[160];
  std::snprintf(words, sizeof words,
                "%lld snapshot%s; training stood still for %.2f s for %s (%.1f %%), and %.1f s of "
                "writing went on beside it",
                static_cast<long long>(count_), count_ == 1 ? "" : "s", stall_seconds_, count_ == 1 ? "it" : "them",
                100 * stall_seconds_ / wall_seconds, write_seconds_);
  return words;
}

}  // namespace lockstep::train
