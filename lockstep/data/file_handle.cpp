#include "lockstep/data/file_handle.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace lockstep::data {
namespace {

/// Repeats a call that a signal has broken off.
template <typename Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

}  // namespace

FileHandle::FileHandle(const std::filesystem::path& path, int flags)
    : descriptor_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); })) {}

FileHandle::~FileHandle() {
  if (is_open()) {
    ::close(descriptor_);
  }
}

std::uint64_t FileHandle::size() const {
  struct stat status {};
  return ::fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::vector<std::byte> FileHandle::read_from(std::uint64_t offset) const {
  const std::uint64_t end = size();
  std::vector<std::byte> bytes(end > offset ? end - offset : 0);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = uninterrupted([&] {
      return ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    });
    if (count <= 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

bool FileHandle::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        uninterrupted([&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (count <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool FileHandle::resize(std::uint64_t bytes) const {
  const std::uint64_t now = size();
  if (bytes > now) {
    const auto begin = static_cast<off_t>(now);
    const auto length = static_cast<off_t>(bytes - now);
    if (uninterrupted([&] { return ::fallocate(descriptor_, 0, begin, length); }) == 0) {
      return true;
    }
    if (errno != EOPNOTSUPP) {
      return false;
    }
  }
  return uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(bytes)); }) == 0;
}

LockOutcome FileHandle::try_lock(LockKind kind) const {
  const int operation = kind == LockKind::kAlone ? LOCK_EX : LOCK_SH;
  if (uninterrupted([&] { return ::flock(descriptor_, operation | LOCK_NB); }) == 0) {
    return LockOutcome::kLocked;
  }
  return errno == EWOULDBLOCK ? LockOutcome::kTaken : LockOutcome::kFailed;
}

bool FileHandle::wait_for_lock() const {
  return uninterrupted([&] { return ::flock(descriptor_, LOCK_EX); }) == 0;
}

}  // namespace lockstep::data
