#pragma once

#include <cstdint>
#include <span>

#include "lockstep/data/color.h"

namespace lockstep::data {

/// What is still to be done to one sample of a batch.
struct SampleFinish {
  ColourChange colours{};
  bool flip = false;  ///< left and right change places
};

/// Size of a batch's images.
struct BatchShape {
  int batch = 0;
  int height = 0;
  int width = 0;
};

/// Flip, colour and normalisation of a whole batch in one call: images, (batch, height, width, 3) uint8, to planes,
/// (batch, 3, height, width) float32. The bits of a flip, change_colours and normalise, one after the other. On the GPU
/// lockstep_finish_batch does the same (with_cuda/finish_batch.h).
void finish_batch(std::span<const std::uint8_t> images, std::span<const SampleFinish> samples, BatchShape shape,
                  std::span<float> planes);

}  // namespace lockstep::data
