#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/data/batch.h"

namespace lockstep::data {

/// A batch of photographs with masks as a network takes it: the flip and the colours are done, the pixels normalised.
/// Its memory is used from batch to batch. In training the model of a rank does this, on its device.
class PlaneBatch {
 public:
  /// Bytes of the planes of one sample.
  static std::uint64_t bytes_per_sample(const std::vector<Field>& layout);

  /// Makes the planes of a batch that an ImageMaskDataset has filled.
  void finish(const Batch& batch);

  std::span<const float> images() const { return images_; }  ///< (batch, 3, S, S), normalised
  std::span<const float> masks() const { return masks_; }    ///< (batch, 1, S, S), 0 … 1

 private:
  std::vector<float> images_;
  std::vector<float> masks_;
};

}  // namespace lockstep::data
