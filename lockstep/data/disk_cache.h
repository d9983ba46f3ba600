#pragma once

#include <cstdint>
#include <filesystem>

#include "lockstep/data/disk_folder.h"
#include "lockstep/data/pixel_cache.h"

namespace lockstep::data {

/// Keeps pixels in files, which are mapped into memory and stay for later runs. A sample is used only if its files are
/// those that it was made of (path, size, time of change) and its checksum is right, which is looked at once in a run;
/// else it is made anew. A run may be killed at any time: what it had not finished is not there. The processes of a
/// run, and several runs, may use the same cache at once: each keeps what it makes, and finds what the others have
/// finished.
class DiskStorage : public PixelStorage {
 public:
  /// All caches in the folder together grow to at most `limit` bytes. What is there already may be more: caches go only
  /// where it is above `tolerated` bytes. Throws MachineError where the folder cannot be made, or knows no locks.
  DiskStorage(const std::filesystem::path& folder, std::uint64_t limit, std::uint64_t tolerated)
      : folder_(folder, limit, tolerated) {}

  /// The limit is that of what is there already, too.
  DiskStorage(const std::filesystem::path& folder, std::uint64_t limit) : DiskStorage(folder, limit, limit) {}

  /// Throws MachineError where nothing can be written to the folder.
  std::unique_ptr<PixelCache> open(std::span<const ImageMaskPair> pairs, const std::string& recipe) override;
  std::uint64_t used() const override { return folder_.used(); }
  std::uint64_t limit() const override { return folder_.limit(); }
  std::string describe() const override;

 private:
  DiskFolder folder_;
};

}  // namespace lockstep::data
