#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lockstep/tune/diagnose.h"

namespace lockstep::tune {

/// What was measured, as tables for a person, and the verdict.
std::string to_text(const Diagnosis& diagnosis);

/// The same for programs.
nlohmann::json to_json(const Diagnosis& diagnosis);

}  // namespace lockstep::tune
