#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lockstep::data {

/// "8GiB", "512 MiB", "1.5GiB", "4096" (bytes); KiB, MiB, GiB and TiB, in either case. Nothing for anything else, and
/// for more than 2^62 bytes.
std::optional<std::uint64_t> parse_byte_count(const std::string& given);

/// "412 MiB", "8.0 GiB": two digits at least.
std::string format_byte_count(std::uint64_t bytes);

}  // namespace lockstep::data
