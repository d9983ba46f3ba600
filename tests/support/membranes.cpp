#include "tests/support/membranes.h"

#include <cmath>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/media/tiff.h"

namespace lockstep::test {

Membranes make_membranes(const media::VolumeShape& shape, int number) {
  constexpr std::int64_t kIgnoredRows = 2;
  constexpr double kDistance = 12;  // from a sheet to the next, in voxels
  RandomStream noise({static_cast<std::uint64_t>(number), Purpose::kSelection, 0, 0, 0});
  Membranes membranes{shape, {}, {}};
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const double along = static_cast<double>(x + number) + 3 * std::sin(0.15 * static_cast<double>(y)) +
                             0.5 * static_cast<double>(z);
        const bool is_sheet = std::fmod(along + 100 * kDistance, kDistance) < 3;
        membranes.labels.push_back(y < kIgnoredRows ? 2 : is_sheet ? 1 : 0);
        membranes.image.push_back(static_cast<std::uint8_t>((is_sheet ? 60 : 160) + noise.uniform(-40, 40)));
      }
    }
  }
  return membranes;
}

void write_membranes(const std::filesystem::path& folder, const media::VolumeShape& shape, int train, int test,
                     bool with_test_labels) {
  const auto write = [&](const std::string& kind, int number, bool with_labels) {
    const Membranes membranes = make_membranes(shape, number);
    const std::string file = std::to_string(number) + ".tif";
    make_directories(folder / (kind + "_images"));
    media::write_tiff(folder / (kind + "_images") / file, membranes.image, shape);
    if (with_labels) {
      make_directories(folder / (kind + "_labels"));
      media::write_tiff(folder / (kind + "_labels") / file, membranes.labels, shape);
    }
  };
  for (int i = 0; i < train; ++i) {
    write("train", 100 + i, true);
  }
  for (int i = 0; i < test; ++i) {
    write("test", 200 + i, with_test_labels);
  }
}

}  // namespace lockstep::test
