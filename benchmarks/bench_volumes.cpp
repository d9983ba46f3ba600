// The scores of a predicted volume of thin sheets, cube by cube with sides of as many voxels as the argument says, on
// two threads; volumes.py does the same with Python's packages.
//
// usage: bench_volumes SIDE

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "benchmarks/protocol.h"
#include "lockstep/metrics/components.h"
#include "lockstep/metrics/surface_dice.h"
#include "lockstep/metrics/topo_score.h"
#include "lockstep/metrics/variation_of_information.h"
#include "lockstep/metrics/volume_distance.h"

namespace lockstep::benchmarks {
namespace {

using Volume = std::vector<std::uint8_t>;

constexpr int kThreads = 2;

/// Wavy sheets of 3 voxels, 31 apart, `moved` voxels along the depth; of a hundred voxels `flipped` are wrong.
Volume make_sheets(const media::VolumeShape& shape, double moved, std::uint32_t flipped) {
  Volume volume(static_cast<std::size_t>(shape.voxels()));
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        const double phase = 0.2 * (static_cast<double>(z) + moved) + 2 * std::sin(0.03 * static_cast<double>(x)) +
                             2 * std::sin(0.04 * static_cast<double>(y));
        const std::size_t i = shape.at(z, y, x);
        const bool is_wrong = (static_cast<std::uint32_t>(i) * 2654435761U >> 16) % 100 < flipped;
        volume[i] = (std::cos(phase) > 0.95) != is_wrong ? 1 : 0;
      }
    }
  }
  return volume;
}

Figures run_round(std::int64_t side) {
  const media::VolumeShape shape{side, side, side};
  const Volume truth = make_sheets(shape, 0, 0);
  const Volume prediction = make_sheets(shape, 1, 1);
  return {
      {"distances_ms", milliseconds([&] { metrics::squared_distances(truth, shape, metrics::kFar, kThreads); })},
      {"surface_dice_ms", milliseconds([&] { metrics::surface_dice(prediction, truth, shape, 2, kThreads); })},
      {"components_ms",
       milliseconds([&] { metrics::connected_components(prediction, shape, metrics::Connectivity::kCorners); })},
      {"voi_ms", milliseconds([&] { metrics::variation_of_information(prediction, truth, shape, kThreads); })},
      {"topo_ms", milliseconds([&] { metrics::match_betti_in_octants(prediction, truth, shape, kThreads); })},
  };
}

}  // namespace
}  // namespace lockstep::benchmarks

int main(int, char** arguments) {
  lockstep::benchmarks::serve([side = std::atoi(arguments[1])] { return lockstep::benchmarks::run_round(side); });
}
