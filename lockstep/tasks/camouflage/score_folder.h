#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace lockstep::tasks::camouflage {

/// The metrics of masks that any program has written: grey images, matched with the true masks by file name without
/// ending. One of another size than its mask is scaled to it. Throws DataError where a mask has no prediction.
std::map<std::string, double> score_folder(const std::filesystem::path& predictions,
                                           const std::filesystem::path& masks);

}  // namespace lockstep::tasks::camouflage
