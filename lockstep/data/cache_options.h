#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "lockstep/data/pixel_cache.h"

namespace lockstep::data {

/// Whether and where decoded pixels are kept.
struct CacheOptions {
  std::string kind = "off";           ///< "off", "ram" or "disk"
  std::string limit{};                ///< "8GiB"; empty: half of the free memory, or 20 GiB of the disk
  std::filesystem::path directory{};  ///< of "disk"; empty: lockstep/pixels in $XDG_CACHE_HOME, or in ~/.cache
  int processes = 1;  ///< of this run on this machine: each has its part of the memory, all share the disk

  bool is_on() const { return kind != "off"; }

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// Where the pixels go; null where the cache is off. Warns where there is less room than asked for. Throws UsageError
/// as `validate`, MachineError where the folder cannot be used or the memory cannot be had.
std::unique_ptr<PixelStorage> make_pixel_storage(const CacheOptions& options);

}  // namespace lockstep::data
