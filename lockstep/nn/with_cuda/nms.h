#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "lockstep/nn/nms_arithmetic.h"

namespace lockstep::nn {

/// Boxes that share one word of the table of who drops whom.
inline constexpr std::int64_t kBoxesOfWord = 64;

/// Which of `count` boxes in falling order of scores are kept, to `kept`, in stream order. `drops` is memory for what
/// is in between: (count, words), with a word for each kBoxesOfWord boxes. Returns the first error of the launches.
cudaError_t launch_nms(const NmsBox* boxes, const std::int64_t* groups, std::int64_t count, double threshold,
                       std::uint64_t* drops, bool* kept, cudaStream_t stream);

}  // namespace lockstep::nn
