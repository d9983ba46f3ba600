#pragma once

#include <string>

namespace lockstep {

/// The seconds in words such as "11h30m", "45m", "1.5h", "2d" or "300": days, hours, minutes and seconds, the larger
/// unit first; a number alone is one of seconds. Throws UsageError, naming `flag`, for anything else and for no time at
/// all.
double parse_duration(const std::string& flag, const std::string& words);

}  // namespace lockstep
