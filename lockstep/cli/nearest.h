#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lockstep::cli {

/// The word that a mistyped one most likely stands for: the one with the fewest letters inserted, removed, replaced or
/// swapped with a neighbour (optimal string alignment). Nothing where more than a third of the letters would change.
std::optional<std::string> nearest(const std::string& mistyped, const std::vector<std::string>& words);

/// "did you mean '--batch-size'?", or `otherwise` where no word is near.
std::string suggestion(const std::string& mistyped, const std::vector<std::string>& words,
                       const std::string& otherwise);

}  // namespace lockstep::cli
