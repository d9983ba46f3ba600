#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/media/volume.h"

namespace lockstep::test {

/// A grey volume with dark, curved sheets in it, and the labels of these: 1 on a sheet, 0 beside it, and 2, to be
/// ignored, in the first rows. The same for the same number.
struct Membranes {
  media::VolumeShape shape;
  std::vector<std::uint8_t> image;
  std::vector<std::uint8_t> labels;
};

Membranes make_membranes(const media::VolumeShape& shape, int number);

/// A dataset: train_images/100.tif …, train_labels/…, test_images/200.tif …, test_labels/… unless it is to have none.
void write_membranes(const std::filesystem::path& folder, const media::VolumeShape& shape, int train, int test,
                     bool with_test_labels);

}  // namespace lockstep::test
