#include "lockstep/observe/run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lockstep/base/clock.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::observe {
namespace {

MachineError cannot_write(const std::filesystem::path& path, int error) {
  return MachineError(text("cannot write '", path.string(), "': ", std::strerror(error)),
                      error == ENOSPC ? "free some disk space" : "choose a folder that can be written");
}

bool ends_inside_a_line(int descriptor) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  char last = '\n';
  return size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

/// One object, event and time first: these two are read first.
std::string line_of(std::string_view event, const nlohmann::json& fields) {
  nlohmann::ordered_json record{{"event", event}, {"time", utc_now()}};
  for (const auto& [name, value] : fields.items()) {
    record[name] = value;
  }
  // A file's name need not be valid UTF-8; it must not keep its warning from being written.
  return record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

RunLog::RunLog(std::filesystem::path path, std::size_t most_waiting)
    : path_(std::move(path)),
      most_waiting_(most_waiting),
      descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    throw cannot_write(path_, errno);
  }
  waiting_ = ends_inside_a_line(descriptor_) ? "\n" : "";
}

RunLog::~RunLog() {
  flush();
  ::close(descriptor_);
}

void RunLog::write(std::string_view event, const nlohmann::json& fields) {
  const std::string line = line_of(event, fields);
  const ProbeScope probe("write of the log");
  const std::lock_guard lock(mutex_);
  if (failure_) {
    flush();
  }
  if (lost_ > 0 && waiting_.empty()) {
    append(line_of("warning", {{"message", text(lost_, " records are missing here: the disk was full")}}));
    lost_ = 0;
  }
  append(line);
  flush();
}

std::optional<MachineError> RunLog::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void RunLog::append(const std::string& line) {
  if (waiting_.size() + line.size() > most_waiting_) {
    ++lost_;
  } else {
    waiting_ += line;
  }
}

void RunLog::flush() {
  while (!waiting_.empty()) {
    errno = ENOSPC;  // what to say where a fault is planted, or not a byte is taken
    const ssize_t written = writes_fail() ? -1 : ::write(descriptor_, waiting_.data(), waiting_.size());
    if (written > 0) {
      waiting_.erase(0, static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failure_.emplace(cannot_write(path_, errno));
      return;
    }
  }
  failure_.reset();
}

}  // namespace lockstep::observe
