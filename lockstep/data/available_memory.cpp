#include "lockstep/data/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

namespace lockstep::data {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// The names of the files in a memory control group of either version.
struct GroupFiles {
  const char* limit;
  const char* used;
  const char* reclaimable;  ///< the line in memory.stat: file contents that the kernel drops when it needs room
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};

/// The number behind a word at the beginning of a line.
std::optional<std::uint64_t> number_behind(const std::filesystem::path& file, const std::string& word) {
  std::ifstream stream(file);
  std::string line;
  while (std::getline(stream, line)) {
    std::istringstream words(line);
    std::string first;
    std::uint64_t number = 0;
    if (words >> first >> number && first == word) {
      return number;
    }
  }
  return std::nullopt;
}

/// Nothing where there is no such file, and where it says "max".
std::optional<std::uint64_t> number_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::uint64_t number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

std::uint64_t left_in_group(const std::filesystem::path& group, const GroupFiles& files) {
  const auto limit = number_in(group / files.limit);
  const auto used = number_in(group / files.used);
  if (!limit || !used) {
    return kUnlimited;
  }
  const std::uint64_t reclaimable = number_behind(group / "memory.stat", files.reclaimable).value_or(0);
  const std::uint64_t held = *used - std::min(*used, reclaimable);
  return *limit - std::min(*limit, held);
}

/// The least that a group and those around it leave. Inside of a container the group's path may be that of the host:
/// then the container's own group is the top one.
std::uint64_t left_in_groups(const std::filesystem::path& mount, std::filesystem::path path, const GroupFiles& files) {
  std::uint64_t left = kUnlimited;
  while (true) {
    left = std::min(left, left_in_group(mount / path.relative_path(), files));
    if (!path.has_relative_path()) {
      return left;
    }
    path = path.parent_path();
  }
}

}  // namespace

std::uint64_t available_memory(const std::filesystem::path& root) {
  const auto available = number_behind(root / "proc/meminfo", "MemAvailable:");
  std::uint64_t least = available ? *available * 1024 : kUnlimited;
  std::ifstream groups(root / "proc/self/cgroup");  // lines of hierarchy:controllers:path
  std::string line;
  while (std::getline(groups, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', std::min(first, line.size() - 1) + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, left_in_groups(root / "sys/fs/cgroup", path, kVersion2));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, left_in_groups(root / "sys/fs/cgroup/memory", path, kVersion1));
    }
  }
  return least == kUnlimited ? 0 : least;
}

}  // namespace lockstep::data
