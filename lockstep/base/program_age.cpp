#include "lockstep/base/program_age.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "lockstep/base/text.h"

namespace lockstep {
namespace {

double seconds_of(clockid_t clock) {
  std::timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// When a process started and by whom it was started, from the machine's start on.
struct Origin {
  double seconds = 0;
  long parent = 0;
};

/// See proc(5): the fields after the name, which stands in brackets and may hold anything.
std::optional<Origin> origin_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  const std::size_t bracket = line.rfind(')');
  if (bracket == std::string::npos) {
    return std::nullopt;
  }
  constexpr int kParent = 1;  // counted from the state, which comes first
  constexpr int kStart = 19;
  std::istringstream fields(line.substr(bracket + 1));
  Origin origin;
  std::string field;
  for (int i = 0; i <= kStart && fields >> field; ++i) {
    if (i == kParent) {
      origin.parent = std::strtol(field.c_str(), nullptr, 10);
    } else if (i == kStart) {
      origin.seconds = std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
      return origin;
    }
  }
  return std::nullopt;
}

bool run_the_same_program(const std::string& process, const std::string& other) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/" + process + "/exe", error);
  return !error && program == std::filesystem::read_symlink("/proc/" + other + "/exe", error) && !error;
}

/// On the clock that counts from the machine's start; without /proc, when this was first asked.
double find_start_of_program() {
  const double now = seconds_of(CLOCK_BOOTTIME);
  const std::optional<Origin> own = origin_of("self");
  if (!own || own->seconds > now) {
    return now;
  }
  const std::string parent = text(own->parent);
  const std::optional<Origin> before = run_the_same_program("self", parent) ? origin_of(parent) : std::nullopt;
  return before ? std::min(before->seconds, own->seconds) : own->seconds;
}

}  // namespace

double program_age_seconds() {
  static const double start = find_start_of_program();
  return seconds_of(CLOCK_BOOTTIME) - start;
}

}  // namespace lockstep
