#pragma once

#include <cstdint>

#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/data/loader.h"
#include "lockstep/data/plane_batch.h"

namespace lockstep::data {

struct BatchStreamOptions {
  int num_workers = 1;  ///< decode threads
  std::uint64_t batch_size = 16;
  std::uint64_t seed = 0;
};

/// What a consumer of batches has got, and what it has cost.
struct StreamMeasure {
  std::uint64_t samples = 0;
  double seconds = 0;
  double cpu_seconds = 0;  ///< of all threads of the process, in user and system mode

  double samples_per_second() const { return static_cast<double>(samples) / seconds; }
  double samples_per_cpu_second() const { return static_cast<double>(samples) / cpu_seconds; }
};

/// Batches of photographs with masks without end, as one rank takes and finishes them that does nothing else: to
/// measure how fast they come.
class BatchStream {
 public:
  BatchStream(const ImageMaskDataset& dataset, const BatchStreamOptions& options);

  std::uint64_t batches_per_epoch() const { return plan_.steps_per_epoch(); }

  /// Takes so many batches.
  StreamMeasure take_batches(std::uint64_t count);

  /// Takes batches for about so many seconds, and one at least.
  StreamMeasure take_for(double seconds);

 private:
  template <typename IsEnough>
  StreamMeasure take_until(const IsEnough& is_enough);

  BatchPlan plan_;
  DecodePool pool_;
  Loader loader_;
  PlaneBatch planes_;
};

}  // namespace lockstep::data
