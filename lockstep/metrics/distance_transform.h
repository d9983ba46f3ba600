#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lockstep::metrics {

/// The nearest marked pixel of each pixel.
struct NearestPixels {
  std::vector<std::int64_t> index;             ///< (height, width): y * width + x of the nearest marked pixel
  std::vector<std::int64_t> squared_distance;  ///< (height, width), in pixels²
};

/// Exact Euclidean distance transform in time linear in the pixels. `marked` is (height, width), not zero where marked,
/// and must have at least one marked pixel. Among pixels equally near the one of the leftmost column wins, then the
/// upper one, as in scipy.ndimage.distance_transform_edt.
///
/// Meijster, Roerdink and Hesselink, "A general algorithm for computing distance transforms in linear time", 2000.
NearestPixels nearest_marked_pixels(std::span<const std::uint8_t> marked, std::int64_t width, std::int64_t height);

}  // namespace lockstep::metrics
