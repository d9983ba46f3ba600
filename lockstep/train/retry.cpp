#include "lockstep/train/retry.h"

#include <malloc.h>

#include <algorithm>

#include "lockstep/parallel/cuda_module.h"
#include "lockstep/parallel/gpu_stream.h"

namespace lockstep::train {

std::vector<data::Range> pieces(std::uint64_t samples, std::int64_t micro_batch) {
  const auto size = static_cast<std::uint64_t>(micro_batch);
  const std::uint64_t count = micro_batch == 0 ? 1 : std::max<std::uint64_t>(1, (samples + size - 1) / size);
  std::vector<data::Range> ranges;
  for (std::uint64_t i = 0; i < count; ++i) {
    ranges.push_back({samples * i / count, samples * (i + 1) / count});
  }
  return ranges;
}

std::int64_t smaller_micro_batch(std::int64_t micro_batch, const data::BatchPlan& batches,
                                 std::uint64_t step_in_epoch) {
  std::int64_t largest_pass = 0;
  for (int rank = 0; rank < batches.world_size; ++rank) {
    for (const data::Range& pass : batches.passes(step_in_epoch, rank)) {
      largest_pass = std::max(largest_pass, static_cast<std::int64_t>(pass.size()));
    }
  }
  const std::int64_t at_a_time = samples_at_a_time(largest_pass, micro_batch);
  return at_a_time > 1 ? (at_a_time + 1) / 2 : 0;
}

std::int64_t samples_at_a_time(std::int64_t planned, std::int64_t micro_batch) {
  return micro_batch == 0 ? planned : std::min(planned, micro_batch);
}

void release_memory(c10::Device device) {
  if (device.is_cpu()) {
    ::malloc_trim(0);
    return;
  }
  // Autograd's thread may hold on to the failed pass until its work is done.
  parallel::current_stream(device).synchronize();
  if (const parallel::CudaModule* module = parallel::find_cuda_module(); module != nullptr) {
    module->empty_cache();
  }
}

}  // namespace lockstep::train
