#include "lockstep/metrics/variation_of_information.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "lockstep/base/parallel_for.h"
#include "lockstep/metrics/components.h"

namespace lockstep::metrics {
namespace {

/// Voxels that lie in one component of the prediction and in one of the truth.
struct Overlap {
  std::uint64_t labels;  ///< that of the truth in the upper half, that of the prediction in the lower
  std::int64_t voxels;

  std::uint32_t truth() const { return static_cast<std::uint32_t>(labels >> 32); }
  std::uint32_t prediction() const { return static_cast<std::uint32_t>(labels); }
};

/// All overlaps, each once, in the order of their labels.
std::vector<Overlap> overlaps(const Components& prediction, const Components& truth) {
  std::vector<Overlap> found;
  for (std::size_t i = 0; i < truth.labels.size(); ++i) {
    const std::uint64_t labels = std::uint64_t{truth.labels[i]} << 32 | prediction.labels[i];
    if (labels == 0) {
      continue;
    }
    if (found.empty() || found.back().labels != labels) {
      found.push_back({labels, 0});
    }
    found.back().voxels += 1;
  }
  std::sort(found.begin(), found.end(), [](const Overlap& a, const Overlap& b) { return a.labels < b.labels; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (found[i].labels == found[kept].labels) {
      found[kept].voxels += found[i].voxels;
    } else {
      found[++kept] = found[i];
    }
  }
  found.resize(found.empty() ? 0 : kept + 1);
  return found;
}

}  // namespace

VariationOfInformation variation_of_information(std::span<const std::uint8_t> prediction,
                                                std::span<const std::uint8_t> truth, const media::VolumeShape& shape,
                                                int threads) {
  Components components[2];
  parallel_for(2, threads, [&](std::size_t i) {
    components[i] = connected_components(i == 0 ? prediction : truth, shape, Connectivity::kCorners);
  });
  const std::vector<Overlap> joint = overlaps(components[0], components[1]);
  std::vector<std::int64_t> predicted(components[0].sizes.size() + 1);
  std::vector<std::int64_t> actual(components[1].sizes.size() + 1);
  std::int64_t whole = 0;
  for (const Overlap& overlap : joint) {
    predicted[overlap.prediction()] += overlap.voxels;
    actual[overlap.truth()] += overlap.voxels;
    whole += overlap.voxels;
  }
  VariationOfInformation result;
  for (const Overlap& overlap : joint) {
    const auto voxels = static_cast<double>(overlap.voxels);
    result.split -= voxels * std::log2(voxels / static_cast<double>(actual[overlap.truth()]));
    result.merge -= voxels * std::log2(voxels / static_cast<double>(predicted[overlap.prediction()]));
  }
  // Without a voxel there is nothing to be told; max() also turns -0 into 0.
  result.split = std::max(0.0, result.split) / static_cast<double>(std::max<std::int64_t>(whole, 1));
  result.merge = std::max(0.0, result.merge) / static_cast<double>(std::max<std::int64_t>(whole, 1));
  return result;
}

}  // namespace lockstep::metrics
