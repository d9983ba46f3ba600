#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/volume_folders.h"

namespace lockstep::tasks::surface {

/// Where the prediction of a volume lies in a folder of predictions.
std::filesystem::path prediction_of(const std::filesystem::path& folder, const std::string& id);

/// Checks that there is a prediction for each of the volumes, of its shape, uint8, whole and with no values but 0 and
/// 1, and packs them as ID.tif into a ZIP archive, written aside and renamed. Throws DataError, naming the file, and
/// leaves an archive that is there as it was.
void pack_submission(const std::filesystem::path& archive, const std::vector<data::VolumePair>& volumes,
                     const std::filesystem::path& predictions);

}  // namespace lockstep::tasks::surface
