#include "lockstep/checkpoint/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr const char* kLockFile = ".lock";
constexpr const char* kPrevious = "previous-";

}  // namespace

RunFolder::RunFolder(std::filesystem::path path) : path_(std::move(path)) {
  make_directories(path_);
  const std::filesystem::path file = path_ / kLockFile;
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) {
    throw MachineError(text("cannot write '", file.string(), "': ", std::strerror(errno)),
                       "choose a --checkpoint-dir that can be written");
  }
  // A file system without locks is no reason not to train.
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw MachineError(text("another process is training in '", path_.string(), "'"),
                       "wait for its end, or give another --checkpoint-dir");
  }
}

RunFolder::~RunFolder() { ::close(lock_); }

std::filesystem::path RunFolder::set_aside() const {
  int number = 1;
  while (std::filesystem::exists(path_ / text(kPrevious, number))) {
    ++number;
  }
  const std::filesystem::path previous = path_ / text(kPrevious, number);
  make_directories(previous);
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrevious) || name == kLockFile) {
      continue;
    }
    std::error_code error;
    std::filesystem::rename(entry.path(), previous / name, error);
    if (error) {
      throw MachineError(text("cannot move '", entry.path().string(), "' aside: ", error.message()),
                         "choose another --checkpoint-dir");
    }
  }
  return previous;
}

}  // namespace lockstep::checkpoint
