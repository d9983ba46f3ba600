#pragma once

#include <memory>

#include "lockstep/tasks/task.h"
#include "tests/parity/networks.h"

namespace lockstep::parity {

inline constexpr std::int64_t kClasses = 10;

struct TaskOptions {
  std::string network;
  std::uint64_t seed = 0;   ///< of the images, labels and first weights
  std::size_t samples = 0;  ///< of the training set
  std::int64_t side = 64;   ///< of an image, in pixels
};

/// Images of noise over a pattern of their class, in memory, to be told apart: cross entropy over ten classes.
std::unique_ptr<tasks::Task> make_task(const TaskOptions& options);

/// A set of the task as PyTorch is given it.
struct Samples {
  at::Tensor images;  // (samples, 3, side, side) float32
  at::Tensor labels;  // (samples) int64
};
Samples all_samples(const data::Dataset& set);

}  // namespace lockstep::parity
