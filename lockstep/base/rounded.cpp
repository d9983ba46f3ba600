#include "lockstep/base/rounded.h"

#include <cstdio>

namespace lockstep {

std::string rounded(double number) {
  char digits[32];
  std::snprintf(digits, sizeof digits, number < 100 ? "%.1f" : "%.0f", number);
  return digits;
}

}  // namespace lockstep
