#pragma once

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lockstep/observe/events.h"

namespace lockstep::observe {

/// The name of the log in a run folder.
inline constexpr const char* kRunLogFile = "run.jsonl";

/// The log of a run: one JSON object a line, each with `event` and `time` (UTC). It is only ever appended to, also by
/// the runs that resume it. Any thread may write.
class RunLog {
 public:
  /// Opens the log, and creates it where it is missing. A last line that was cut off when an earlier run was killed
  /// stays as it is; the next record starts on a line of its own. Throws MachineError naming the file.
  explicit RunLog(std::filesystem::path path);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  /// Appends a record by one system call, so that a kill leaves at most one torn line. Numbers are written with the
  /// digits that give the same double back; NaN and infinity become null. Throws MachineError naming the file.
  void write(std::string_view event, const nlohmann::json& fields);

  /// Appends one of the records of events.h.
  template <typename Event>
  void write(const Event& event) {
    write(Event::kName, nlohmann::json(event));
  }

 private:
  std::filesystem::path path_;
  std::mutex mutex_;
  int descriptor_;
  bool line_is_torn_;
};

}  // namespace lockstep::observe
