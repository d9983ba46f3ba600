#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "lockstep/data/file_handle.h"

namespace lockstep::data {

/// The folder of all caches on disk, of this run and of others, which share its limit. A cache is three files of one
/// name: NAME.pixels, NAME.index, and NAME.lock, which all that use it share a lock on: only who has that alone may
/// remove or shorten the others. Whoever changes a file holds the folder meanwhile.
class DiskFolder {
 public:
  /// Holds the folder against all other threads and programs while it lives.
  class Hold {
   public:
    /// False where the file system gives no lock; `reason` then says why.
    bool is_held() const { return error_ == 0; }
    std::string reason() const;

   private:
    friend class DiskFolder;
    explicit Hold(DiskFolder& folder);

    std::unique_lock<std::mutex> threads_;
    FileHandle programs_;
    int error_ = 0;
  };

  /// It grows to at most `limit` bytes. What is there already may be more, up to `tolerated` bytes. Makes the folder.
  /// Throws MachineError where it cannot, or no files can be locked there.
  DiskFolder(std::filesystem::path path, std::uint64_t limit, std::uint64_t tolerated);

  /// Waits for the others. Not to be asked for by a thread that holds it.
  Hold hold() { return Hold(*this); }

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t limit() const { return limit_; }
  std::filesystem::path file(const std::string& cache, const char* ending) const { return path_ / (cache + ending); }

  /// The bytes of all files in it.
  std::uint64_t used() const;

  /// Whether what is there is tolerated. Where it is too much, other caches go that no run uses, those that were
  /// longest not used before the others.
  bool is_tolerated(const Hold& hold, const std::string& cache) const;

  /// Makes a file of a cache longer, leaving room for `beside` more bytes in another one. Other caches make room as in
  /// `is_tolerated`. False where there is not enough, or the disk would get too full.
  bool grow(const Hold& hold, const std::string& cache, const FileHandle& file, std::uint64_t size,
            std::uint64_t beside) const;

 private:
  bool make_room(const std::string& cache, std::uint64_t bytes, std::uint64_t limit) const;
  bool remove_oldest_but(const std::string& cache) const;

  std::filesystem::path path_;
  std::uint64_t limit_;
  std::uint64_t tolerated_;
  std::mutex mutex_;
};

/// The most that a cache in this folder may hold without filling the disk: what it holds, and what is free but for a
/// reserve. Makes the folder. Throws MachineError where it cannot.
std::uint64_t disk_room_for_cache(const std::filesystem::path& folder);

}  // namespace lockstep::data
