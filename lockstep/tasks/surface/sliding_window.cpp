#include "lockstep/tasks/surface/sliding_window.h"

#include <torch/torch.h>

#include <algorithm>

#include "lockstep/base/error.h"

namespace lockstep::tasks::surface {

std::vector<std::int64_t> window_starts(std::int64_t size, std::int64_t window, double overlap) {
  LOCKSTEP_ASSERT(window >= 1 && size >= window && overlap >= 0 && overlap < 1, "windows lie in the volume");
  const std::int64_t step =
      window == size
          ? window
          : std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(window) * (1 - overlap)));
  std::vector<std::int64_t> starts;
  std::int64_t start = 0;
  for (; start + window < size; start += step) {
    starts.push_back(start);
  }
  starts.push_back(size - window);
  return starts;
}

at::Tensor gaussian_weights(const models::Extent& window) {
  constexpr double kDeviationShare = 0.125;
  constexpr double kLeastWeight = 1e-3;
  at::Tensor weights = at::ones({1, 1, 1});
  for (std::size_t axis = 0; axis < window.size(); ++axis) {
    const auto side = static_cast<double>(window[axis]);
    const double deviation = side * kDeviationShare;
    const at::Tensor place = at::arange(window[axis], at::kFloat) - (side - 1) / 2;
    const at::Tensor along = (place.square() / (-2 * deviation * deviation)).exp();
    std::vector<std::int64_t> shape{1, 1, 1};
    shape[axis] = window[axis];
    weights = weights * along.view(shape);
  }
  return weights.clamp_min(kLeastWeight);
}

/// The slices that windows have been added to and that are not finished.
struct SlidingWindow::Slab {
  at::Tensor sums;     ///< (window depth, padded height, padded width) float32 on the device
  at::Tensor weights;  ///< of a window, there
};

SlidingWindow::SlidingWindow(const models::Extent& volume, const WindowOptions& options)
    : volume_(volume), options_(options), weights_(gaussian_weights(options.window)) {
  for (std::size_t axis = 0; axis < volume.size(); ++axis) {
    padded_[axis] = std::max(volume[axis], options.window[axis]);
    before_[axis] = (padded_[axis] - volume[axis]) / 2;
    starts_.push_back(window_starts(padded_[axis], options.window[axis], options.overlap));
  }
}

std::int64_t SlidingWindow::window_count() const {
  return static_cast<std::int64_t>(starts_[0].size() * starts_[1].size() * starts_[2].size());
}

void SlidingWindow::run(at::Device device, const WindowShare& share, const Read& read, const Look& look,
                        const Take& take) const {
  const at::NoGradGuard no_gradient;
  const std::int64_t depth = options_.window[0];
  Slab slab{at::zeros({depth, padded_[1], padded_[2]}, at::TensorOptions(device).dtype(at::kFloat)),
            weights_.to(device)};
  const std::vector<std::int64_t>& rows = starts_[0];
  for (std::size_t row = 0; row < rows.size(); ++row) {
    look_at_row(rows[row], share, read, look, slab);
    const std::int64_t end = row + 1 < rows.size() ? rows[row + 1] : padded_[0];
    finish(rows[row], end, share, take, slab);
    const std::int64_t done = std::min(end - rows[row], depth);
    for (std::int64_t z = done; z < depth; ++z) {
      slab.sums[z - done].copy_(slab.sums[z]);
    }
    slab.sums.narrow(0, depth - done, done).zero_();
  }
}

/// All windows of this worker that begin at a slice.
void SlidingWindow::look_at_row(std::int64_t z, const WindowShare& share, const Read& read, const Look& look,
                                Slab& slab) const {
  const models::Extent& window = options_.window;
  std::vector<models::Extent> places;
  const auto flush = [&] {
    if (places.empty()) {
      return;
    }
    const at::Tensor windows =
        at::empty({static_cast<std::int64_t>(places.size()), window[0], window[1], window[2]}, at::kFloat);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const models::Extent& place = places[i];
      read({place[0] - before_[0], place[1] - before_[1], place[2] - before_[2]},
           windows[static_cast<std::int64_t>(i)]);
    }
    const at::Tensor answers = look(windows.to(slab.sums.device()));
    for (std::size_t i = 0; i < places.size(); ++i) {
      slab.sums.narrow(1, places[i][1], window[1])
          .narrow(2, places[i][2], window[2])
          .addcmul_(answers[static_cast<std::int64_t>(i)], slab.weights);
    }
    places.clear();
  };
  std::int64_t number = 0;
  for (const std::int64_t y : starts_[1]) {
    for (const std::int64_t x : starts_[2]) {
      if (number++ % share.workers == share.worker) {
        places.push_back({z, y, x});
      }
      if (static_cast<std::int64_t>(places.size()) == options_.batch_size) {
        flush();
      }
    }
  }
  flush();
}

/// What all windows over a slice count together. // (padded height, padded width)
at::Tensor SlidingWindow::weights_of_slice(std::int64_t z, at::Device device) const {
  const models::Extent& window = options_.window;
  at::Tensor of_rows = at::zeros({window[1], window[2]});
  for (const std::int64_t row : starts_[0]) {
    if (row <= z && z < row + window[0]) {
      of_rows += weights_[z - row];
    }
  }
  at::Tensor sums = at::zeros({padded_[1], padded_[2]});
  for (const std::int64_t y : starts_[1]) {
    for (const std::int64_t x : starts_[2]) {
      sums.narrow(0, y, window[1]).narrow(1, x, window[2]).add_(of_rows);
    }
  }
  return sums.to(device);
}

/// Slices that no further window reaches.
void SlidingWindow::finish(std::int64_t begin, std::int64_t end, const WindowShare& share, const Take& take,
                           Slab& slab) const {
  const at::Tensor sums = slab.sums.narrow(0, 0, end - begin);  // the front of the slab: contiguous
  if (share.workers > 1) {
    share.sum_up(sums);
  }
  if (share.worker != 0) {
    return;
  }
  for (std::int64_t z = begin; z < end; ++z) {
    sums[z - begin].div_(weights_of_slice(z, sums.device()));
  }
  const std::int64_t first = std::clamp(before_[0], begin, end);
  const std::int64_t last = std::clamp(before_[0] + volume_[0], begin, end);
  if (first < last) {
    take(first - before_[0], sums.narrow(0, first - begin, last - first)
                                 .narrow(1, before_[1], volume_[1])
                                 .narrow(2, before_[2], volume_[2]));
  }
}

}  // namespace lockstep::tasks::surface
