#pragma once

#include <cstdint>
#include <filesystem>

namespace lockstep::data {

/// The bytes of memory that this process can still take without swapping: what the kernel calls available, and no more
/// than the control groups that the process is in (containers, batch systems) leave to it. `root` is where /proc and
/// /sys are.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace lockstep::data
