#include "lockstep/media/triangle_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace lockstep::media {

void triangle_windows(int source, double begin, double length, int size, bool reversed, FilterWindows& windows) {
  const double scale = length / size;
  const double support = std::max(scale, 1.0);
  const double per_support = 1.0 / support;
  windows.taps = std::min(source, static_cast<int>(std::ceil(2 * support)));
  windows.first.resize(static_cast<std::size_t>(size));
  windows.weights.assign(static_cast<std::size_t>(size) * static_cast<std::size_t>(windows.taps), 0.0);
  for (int i = 0; i < size; ++i) {
    const double center = std::clamp(begin + (i + 0.5) * scale, 0.0, static_cast<double>(source));
    const int first = std::clamp(static_cast<int>(center - support + 0.5), 0, source - 1);
    const int end =
        std::clamp(static_cast<int>(center + support + 0.5), first + 1, std::min(source, first + windows.taps));
    const int place = reversed ? size - 1 - i : i;
    double* weights = windows.weights.data() + static_cast<std::size_t>(place) * static_cast<std::size_t>(windows.taps);
    double sum = 0;
    for (int t = 0; t < end - first; ++t) {
      weights[t] = std::max(0.0, 1.0 - std::abs((first + t - center + 0.5) * per_support));
      sum += weights[t];
    }
    std::for_each(weights, weights + (end - first), [sum](double& weight) { weight /= sum; });
    windows.first[static_cast<std::size_t>(place)] = first;
  }
}

}  // namespace lockstep::media
