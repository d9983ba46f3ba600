#include "lockstep/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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

/// As much of a file as fits into `buffer`; less at its end.
std::size_t read_some(const Descriptor& file, const std::filesystem::path& path, std::span<std::byte> buffer) {
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
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
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
  // Less where the file shrank while it was read.
  buffer.resize(read_some(file, path, std::as_writable_bytes(std::span(buffer.data(), buffer.size()))));
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

void read_in_pieces(const std::filesystem::path& path, const std::function<void(std::span<const std::byte>)>& take) {
  constexpr std::size_t kPiece = 1 << 20;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    throw cannot_read(path, errno);
  }
  std::vector<std::byte> buffer(kPiece);
  while (const std::size_t count = read_some(file, path, buffer)) {
    take(std::span(buffer).first(count));
  }
}

InputFile::InputFile(std::filesystem::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  int error = file_ < 0 || ::fstat(file_, &status) != 0 ? errno : 0;
  if (error == 0 && S_ISDIR(status.st_mode)) {
    error = EISDIR;
  }
  if (error != 0) {
    ::close(file_);
    throw cannot_read(path_, error);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(file_); }

std::size_t InputFile::read_at(std::uint64_t offset, std::span<std::byte> buffer) const {
  const WorkScope work("read");
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = ::pread(file_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw cannot_read(path_, errno);
    }
    if (count == 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  await_throttled_read(done);
  return done;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), aside_(path_) {
  aside_ += text(".", ::getpid(), kPartialSuffix);
  file_ = ::open(aside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) {
    throw cannot_write(aside_, errno);
  }
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) {
    ::close(file_);
    ::unlink(aside_.c_str());
  }
}

void AtomicFile::put(std::span<const std::byte> bytes) {
  if (writes_fail()) {
    throw cannot_write(aside_, ENOSPC);
  }
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw cannot_write(aside_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) {
    throw cannot_write(aside_, errno);
  }
  if (::rename(aside_.c_str(), path_.c_str()) != 0) {
    throw cannot_write(path_, errno);
  }
  ::close(file_);
  file_ = -1;
  flush_directory(path_.parent_path());
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.put(bytes);
  file.commit();
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

void drop_from_memory(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() >= 0) {
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);  // a wish: file systems in memory have nothing to forget
  }
}

std::uint64_t free_bytes(const std::filesystem::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) {
    throw cannot_write(folder, errno);
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
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
