#pragma once

#include <string>

namespace lockstep {

/// A rate for people: with one decimal below 100, else without. "42.7", "611".
std::string rounded(double number);

}  // namespace lockstep
