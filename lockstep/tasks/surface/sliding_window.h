#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "lockstep/models/unet_plan.h"

namespace lockstep::tasks::surface {

/// Where windows begin along an axis, as MONAI's sliding_window_inference places them: every
/// (1 - overlap) · window voxels, the last one moved back to the end. `size` is at least `window`.
std::vector<std::int64_t> window_starts(std::int64_t size, std::int64_t window, double overlap);

/// How much each voxel of a window counts: a Gaussian about its middle with a deviation of an eighth of each side, at
/// least 1e-3; MONAI's importance map of mode "gaussian". // (depth, height, width) float32
at::Tensor gaussian_weights(const models::Extent& window);

struct WindowOptions {
  models::Extent window{64, 128, 128};
  double overlap = 0.5;         ///< 0 … below 1
  std::int64_t batch_size = 1;  ///< windows that are looked at together
};

/// What several workers that share the windows of a volume need of each other.
struct WindowShare {
  int worker = 0;
  int workers = 1;
  std::function<void(const at::Tensor&)> sum_up{};  ///< collective: puts the sum over all workers into the tensor
};

/// Lets a network look at a volume window by window and puts its answers together, weighted, slab by slab: no more of
/// the volume is held than a window is deep. A volume that is smaller than the window lies in the middle of it. The
/// results are those of MONAI's sliding_window_inference with mode "gaussian".
class SlidingWindow {
 public:
  /// Fills a window, (depth, height, width) float32 on the CPU, from this place of the volume on, which may lie before
  /// the volume: what is outside of it should be 0, as what is average is.
  using Read = std::function<void(const models::Extent& origin, const at::Tensor& window)>;

  /// (batch, depth, height, width) float32 on the device to answers of that shape there.
  using Look = std::function<at::Tensor(const at::Tensor& windows)>;

  /// Takes finished slices, (count, height, width) float32 on the device, from slice `z` on, in order. Called for
  /// worker 0 alone.
  using Take = std::function<void(std::int64_t z, const at::Tensor& slices)>;

  SlidingWindow(const models::Extent& volume, const WindowOptions& options);

  /// Collective over the workers of `share`, which all must have the same volume and options.
  void run(at::Device device, const WindowShare& share, const Read& read, const Look& look, const Take& take) const;

  /// All of them.
  std::int64_t window_count() const;

 private:
  struct Slab;

  void look_at_row(std::int64_t z, const WindowShare& share, const Read& read, const Look& look, Slab& slab) const;
  at::Tensor weights_of_slice(std::int64_t z, at::Device device) const;
  void finish(std::int64_t begin, std::int64_t end, const WindowShare& share, const Take& take, Slab& slab) const;

  models::Extent volume_;
  models::Extent before_{};  ///< voxels in front of the volume, where it is smaller than the window
  WindowOptions options_;
  std::vector<std::vector<std::int64_t>> starts_;  ///< one list an axis, in the padded volume
  models::Extent padded_{};
  at::Tensor weights_;  ///< (depth, height, width) of the window, on the CPU
};

}  // namespace lockstep::tasks::surface
