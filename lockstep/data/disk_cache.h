#pragma once

#include <cstdint>
#include <filesystem>

#include "lockstep/data/disk_folder.h"
#include "lockstep/data/pixel_cache.h"

namespace lockstep::data {

/// Keeps pixels in files, which are mapped into memory and stay for later runs. A sample is used only if its files are
/// those that it was made of (path, size, time of change) and its checksum is right, which is looked at once in a run;
/// else it is made anew. A run may be killed at any time: what it had not finished is not there. Where two runs use the
/// same cache at once, the second one reads what the first one writes.
class DiskStorage : public PixelStorage {
 public:
  /// All caches in the folder together take at most `limit` bytes. Throws MachineError where the folder cannot be made.
  DiskStorage(const std::filesystem::path& folder, std::uint64_t limit) : folder_(folder, limit) {}

  /// Throws MachineError where nothing can be written to the folder.
  std::unique_ptr<PixelCache> open(std::span<const ImageMaskPair> pairs, const std::string& recipe) override;
  std::string describe() const override;

 private:
  DiskFolder folder_;
};

}  // namespace lockstep::data
