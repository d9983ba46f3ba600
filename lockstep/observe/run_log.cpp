#include "lockstep/observe/run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
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

}  // namespace

RunLog::RunLog(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    throw cannot_write(path_, errno);
  }
  line_is_torn_ = ends_inside_a_line(descriptor_);
}

RunLog::~RunLog() { ::close(descriptor_); }

void RunLog::write(std::string_view event, const nlohmann::json& fields) {
  nlohmann::ordered_json record{{"event", event}, {"time", utc_now()}};  // ordered: these two are read first
  for (const auto& [name, value] : fields.items()) {
    record[name] = value;
  }
  // A file's name need not be valid UTF-8; it must not keep its warning from being written.
  const std::string json = record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);

  const std::lock_guard lock(mutex_);
  const std::string line = text(line_is_torn_ ? "\n" : "", json, "\n");
  ssize_t written = 0;
  do {
    written = ::write(descriptor_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) {
    throw cannot_write(path_, errno);
  }
  line_is_torn_ = static_cast<std::size_t>(written) < line.size();
  if (line_is_torn_) {
    throw cannot_write(path_, ENOSPC);  // a file takes less than the whole only where the disk is full
  }
}

}  // namespace lockstep::observe
