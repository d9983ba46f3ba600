#include "lockstep/data/disk_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

constexpr std::uint64_t kDiskToLeave = std::uint64_t{1} << 30;

/// The index of the last record may be on its way when the room is counted.
constexpr std::uint64_t kSlack = std::uint64_t{64} << 10;

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t total = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;  // another run may remove a file meanwhile
    const std::uintmax_t size = it->file_size(gone);
    total += gone ? 0 : size;
  }
  return total;
}

std::uint64_t free_bytes(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  return error ? 0 : space.available;
}

}  // namespace

DiskFolder::Hold::Hold(DiskFolder& folder)
    : threads_(folder.mutex_), programs_(folder.path_ / "room.lock", O_RDWR | O_CREAT) {
  error_ = programs_.is_open() && programs_.wait_for_lock() ? 0 : errno;
}

std::string DiskFolder::Hold::reason() const { return std::strerror(error_); }

DiskFolder::DiskFolder(std::filesystem::path path, std::uint64_t limit, std::uint64_t tolerated)
    : path_(std::move(path)), limit_(limit), tolerated_(tolerated) {
  make_directories(path_);
  if (const Hold trial = hold(); !trial.is_held()) {
    throw MachineError(text("cannot lock files in the folder of the cache, '", path_.string(), "': ", trial.reason()),
                       "give another --cache-dir: one that you may write to, on a file system with locks");
  }
}

std::uint64_t DiskFolder::used() const { return bytes_in(path_); }

bool DiskFolder::make_room(const std::string& cache, std::uint64_t bytes, std::uint64_t limit) const {
  while (bytes_in(path_) + bytes + kSlack > limit) {
    if (!remove_oldest_but(cache)) {
      return false;
    }
  }
  return true;
}

bool DiskFolder::is_tolerated(const Hold& hold, const std::string& cache) const {
  LOCKSTEP_ASSERT(hold.is_held(), "who removes files holds their folder");
  return make_room(cache, 0, tolerated_);
}

bool DiskFolder::grow(const Hold& hold, const std::string& cache, const FileHandle& file, std::uint64_t size,
                      std::uint64_t beside) const {
  LOCKSTEP_ASSERT(hold.is_held(), "who changes a file holds its folder");
  const std::uint64_t now = file.size();
  const std::uint64_t growth = size - std::min(size, now);
  if (growth + beside + kDiskToLeave > free_bytes(path_)) {
    return false;
  }
  return make_room(cache, growth + beside, limit_) && (growth == 0 || file.resize(size));
}

bool DiskFolder::remove_oldest_but(const std::string& cache) const {
  struct Candidate {
    std::filesystem::file_time_type used;
    std::filesystem::path pixels;
  };
  std::vector<Candidate> candidates;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->path().extension() == ".pixels" && it->path().stem() != cache) {
      std::filesystem::path lock = it->path();
      candidates.push_back({std::filesystem::last_write_time(lock.replace_extension(".lock"), gone), it->path()});
    }
  }
  std::ranges::sort(candidates, {}, &Candidate::used);
  for (const Candidate& candidate : candidates) {
    std::filesystem::path file = candidate.pixels;
    const FileHandle lock(file.replace_extension(".lock"), O_RDWR | O_CREAT);
    if (lock.is_open() && lock.try_lock(LockKind::kAlone) == LockOutcome::kLocked) {
      std::filesystem::remove(file.replace_extension(".index"), error);
      return std::filesystem::remove(file.replace_extension(".pixels"), error);
    }
  }
  return false;
}

std::uint64_t disk_room_for_cache(const std::filesystem::path& folder) {
  make_directories(folder);
  const std::uint64_t room = bytes_in(folder) + free_bytes(folder);
  return room - std::min(room, kDiskToLeave);
}

}  // namespace lockstep::data
