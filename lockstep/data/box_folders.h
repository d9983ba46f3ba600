#pragma once

#include <filesystem>

#include "lockstep/data/box_set.h"

namespace lockstep::data {

/// Reads the annotations of a dataset in any layout of data/box_sources.h, and finds their images. Nothing of the
/// images themselves is read, but the header of those whose annotations give no size. Classes of VOC come by name,
/// those of COCO by their ids in the first file, and splits as train, valid, test, all. Throws DataError, naming file,
/// object and remedy, for what cannot be understood: no known layout, a broken file, a missing or ambiguous image, ids
/// that contradict each other. What can be put up with is counted in the set's traps.
BoxSet read_box_set(const std::filesystem::path& root);

}  // namespace lockstep::data
