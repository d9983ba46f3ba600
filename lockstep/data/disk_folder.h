#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "lockstep/data/file_handle.h"

namespace lockstep::data {

/// The folder of all caches on disk, of this run and of others, which share its limit. A cache is three files of one
/// name: NAME.pixels, NAME.index, and NAME.lock, which the run that writes it holds.
class DiskFolder {
 public:
  /// Makes the folder. Throws MachineError where it cannot.
  DiskFolder(std::filesystem::path path, std::uint64_t limit);

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t limit() const { return limit_; }
  std::filesystem::path file(const std::string& cache, const char* ending) const { return path_ / (cache + ending); }

  /// The bytes of all files in it.
  std::uint64_t used() const;

  /// Whether what is there keeps to the limit. Where it does not, other caches go that no run writes, those that were
  /// longest not used before the others.
  bool keeps_limit(const std::string& cache);

  /// Makes a file of a cache longer, leaving room for `beside` more bytes in another one. Other caches make room as in
  /// `keeps_limit`. False where there is not enough, or the disk would get too full.
  bool grow(const std::string& cache, const FileHandle& file, std::uint64_t size, std::uint64_t beside);

 private:
  bool make_room(const std::string& cache, std::uint64_t bytes) const;
  bool remove_oldest_but(const std::string& cache) const;

  std::filesystem::path path_;
  std::uint64_t limit_;
  std::mutex mutex_;
};

/// The most that a cache in this folder may hold without filling the disk: what it holds, and what is free but for a
/// reserve. Makes the folder. Throws MachineError where it cannot.
std::uint64_t disk_room_for_cache(const std::filesystem::path& folder);

}  // namespace lockstep::data
