#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/observe/events.h"

namespace lockstep::observe {

/// The name of the log in a run folder.
inline constexpr const char* kRunLogFile = "run.jsonl";

/// The log of a run: one JSON object a line, each with `event` and `time` (UTC). It is only ever appended to, also by
/// the runs that resume it. Any thread may write.
class RunLog {
 public:
  static constexpr std::size_t kMostWaiting = 16 << 20;

  /// Opens the log, and creates it where it is missing. A last line that was cut off when an earlier run was killed
  /// stays as it is; the next record starts on a line of its own. Throws MachineError naming the file.
  explicit RunLog(std::filesystem::path path, std::size_t most_waiting = kMostWaiting);
  ~RunLog();  ///< tries to write what still waits
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Appends a record, by one system call where the disk takes it, so that a kill leaves at most one torn line. What it
  /// does not take, since it is full, waits in memory for the next call; beyond `most_waiting` bytes records are lost,
  /// and a `warning` in their place says how many. Numbers are written with the digits that give the same double back;
  /// NaN and infinity become null.
  void write(std::string_view event, const nlohmann::json& fields);

  /// Appends one of the records of events.h.
  template <typename Event>
  void write(const Event& event) {
    write(Event::kName, nlohmann::json(event));
  }

  /// Why the last records are not in the file yet; nothing where all are.
  std::optional<MachineError> failure() const;

 private:
  void append(const std::string& line);
  void flush();

  const std::filesystem::path path_;
  const std::size_t most_waiting_;
  mutable std::mutex mutex_;
  int descriptor_;
  std::string waiting_;    ///< what is still to be written
  std::int64_t lost_ = 0;  ///< records since there was no room in memory either
  std::optional<MachineError> failure_;
};

}  // namespace lockstep::observe
