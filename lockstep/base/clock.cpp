#include "lockstep/base/clock.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "lockstep/base/text.h"

namespace lockstep {

std::string format_duration(double seconds) {
  const long whole = std::lround(std::max(0.0, seconds));
  if (whole < 60) {
    return text(whole, " s");
  }
  if (whole < 3600) {
    return text(whole / 60, " min ", whole % 60, " s");
  }
  return text(whole / 3600, " h ", whole % 3600 / 60, " min");
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char day_and_time[32];
  std::strftime(day_and_time, sizeof day_and_time, "%Y-%m-%dT%H:%M:%S", &parts);
  char milliseconds[8];
  std::snprintf(milliseconds, sizeof milliseconds, ".%03dZ", static_cast<int>(since_epoch % 1000));
  return text(day_and_time, milliseconds);
}

}  // namespace lockstep
