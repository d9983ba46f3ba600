#include "lockstep/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/read_throttle.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"

namespace lockstep {
namespace {

/// An open file descriptor and its owner.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }

 private:
  int value_;
};

DataError cannot_read(const std::filesystem::path& path, int error) {
  return DataError(text("cannot read '", path.string(), "': ", std::strerror(error)),
                   "check the path and its permissions");
}

MachineError cannot_write(const std::filesystem::path& path, int error) {
  return MachineError(text("cannot write '", path.string(), "': ", std::strerror(error)),
                      error == ENOSPC ? "free some disk space" : "choose a folder that can be written");
}

template <typename Buffer>
void read_whole(const std::filesystem::path& path, Buffer& buffer) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    throw cannot_read(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    throw cannot_read(path, EISDIR);
  }
  buffer.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = ::read(file.get(), buffer.data() + done, buffer.size() - done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw cannot_read(path, errno);
    }
    if (count == 0) {
      break;  // the file shrank while it was read
    }
    done += static_cast<std::size_t>(count);
  }
  buffer.resize(done);
}

void write_whole(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    throw cannot_write(path, errno);
  }
  if (writes_fail()) {
    throw cannot_write(path, ENOSPC);
  }
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw cannot_write(path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (::fsync(file.get()) != 0) {
    throw cannot_write(path, errno);
  }
}

}  // namespace

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::vector<std::byte> bytes;
  read_whole(path, bytes);
  return bytes;
}

std::string read_text(const std::filesystem::path& path) {
  std::string content;
  read_whole(path, content);
  return content;
}

void read_file_into(const std::filesystem::path& path, std::vector<std::byte>& buffer) {
  const WorkScope work("read");
  read_whole(path, buffer);
  await_throttled_read(buffer.size());
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::path aside = path;
  aside += text(".", ::getpid(), ".partial");
  try {
    write_whole(aside, bytes);
    if (::rename(aside.c_str(), path.c_str()) != 0) {
      throw cannot_write(path, errno);
    }
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
  flush_directory(path.parent_path());
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  write_file_atomically(path, std::as_bytes(std::span(content)));
}

void flush_directory(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.empty() ? std::filesystem::path(".") : path;
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() >= 0) {
    ::fsync(file.get());  // some file systems cannot flush a folder: the rename has happened all the same
  }
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    throw MachineError(text("cannot create folder '", path.string(), "': ", error.message()),
                       "choose a folder that can be written");
  }
}

}  // namespace lockstep
