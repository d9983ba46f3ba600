#include "lockstep/data/cache_options.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/data/available_memory.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/data/disk_cache.h"
#include "lockstep/data/ram_cache.h"

namespace lockstep::data {
namespace {

/// Only a limit that was asked for takes away what is there: one that follows from the free room may fall from run to
/// run.
constexpr std::uint64_t kAnySize = std::numeric_limits<std::uint64_t>::max();

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

/// Below this a cache would hold hardly a picture.
constexpr std::uint64_t kLeastLimit = std::uint64_t{1} << 20;

std::filesystem::path default_directory() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "lockstep/pixels";
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') {
    throw UsageError("--cache disk does not know where to, as HOME is not set", "give --cache-dir");
  }
  return std::filesystem::path(home) / ".cache/lockstep/pixels";
}

std::uint64_t within(std::uint64_t asked, std::uint64_t room, const char* where) {
  if (asked > room) {
    log::warn(text("--cache-limit ", format_byte_count(asked), " is more than is free ", where,
                   ": the cache takes at most ", format_byte_count(room)));
  }
  return std::min(asked, room);
}

std::unique_ptr<PixelStorage> make_ram_storage(const CacheOptions& options) {
  const std::uint64_t available = available_memory();
  const auto asked = parse_byte_count(options.limit);
  const std::uint64_t limit = asked ? within(*asked, available, "in memory") : available / 2;
  return std::make_unique<RamStorage>(std::max(limit / static_cast<std::uint64_t>(options.processes), kLeastLimit),
                                      [] { return available_memory(); });
}

std::unique_ptr<PixelStorage> make_disk_storage(const CacheOptions& options) {
  const std::filesystem::path folder = options.directory.empty() ? default_directory() : options.directory;
  const std::uint64_t room = disk_room_for_cache(folder);
  const auto asked = parse_byte_count(options.limit);
  const std::uint64_t limit = asked ? within(*asked, room, "on the disk") : std::min(20 * kGiB, room);
  return std::make_unique<DiskStorage>(folder, limit, asked.value_or(kAnySize));
}

}  // namespace

void CacheOptions::validate() const {
  if (kind != "off" && kind != "ram" && kind != "disk") {
    throw UsageError(text("--cache cannot be '", kind, "'"), "give one of: off, ram, disk");
  }
  if (!limit.empty() && parse_byte_count(limit).value_or(0) < kLeastLimit) {
    throw UsageError(text("--cache-limit cannot be '", limit, "'"),
                     "give a size of at least 1MiB, such as 512MiB or 8GiB");
  }
  if (!limit.empty() && !is_on()) {
    throw UsageError("--cache-limit has no effect without --cache", "give --cache ram or disk, or leave it out");
  }
  if (!directory.empty() && kind != "disk") {
    throw UsageError("--cache-dir has no effect without --cache disk", "give --cache disk, or leave it out");
  }
}

std::unique_ptr<PixelStorage> make_pixel_storage(const CacheOptions& options) {
  options.validate();
  LOCKSTEP_ASSERT(options.processes > 0, "a run has a process");
  if (!options.is_on()) {
    return nullptr;
  }
  return options.kind == "ram" ? make_ram_storage(options) : make_disk_storage(options);
}

}  // namespace lockstep::data
