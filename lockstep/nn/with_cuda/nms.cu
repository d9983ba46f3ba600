#include "lockstep/nn/with_cuda/nms.h"

namespace lockstep::nn {
namespace {

constexpr std::int64_t kThreads = 256;
constexpr unsigned kMostBlocks = 65535;

/// Bit j of word w in row i: box i drops box 64 w + j, which comes later and is of its group.
__global__ void find_drops(const NmsBox* boxes, const std::int64_t* groups, std::int64_t count, std::int64_t words,
                           double threshold, std::uint64_t* drops) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count * words;
       i += step) {
    const std::int64_t row = i / words;
    const std::int64_t first = i % words * kBoxesOfWord;
    const NmsBox box = boxes[row];
    std::uint64_t word = 0;
    for (std::int64_t bit = 0; bit < kBoxesOfWord && first + bit < count; ++bit) {
      const std::int64_t other = first + bit;
      if (other > row && groups[other] == groups[row] && overlaps(box, boxes[other], threshold)) {
        word |= std::uint64_t{1} << static_cast<unsigned>(bit);
      }
    }
    drops[i] = word;
  }
}

/// One block goes through the rows; the row of a box that is kept is joined to row 0's place in `dropped`.
__global__ void keep_rest(const std::uint64_t* drops, std::int64_t count, std::int64_t words, bool* kept) {
  extern __shared__ std::uint64_t dropped[];
  for (std::int64_t word = threadIdx.x; word < words; word += blockDim.x) {
    dropped[word] = 0;
  }
  __syncthreads();
  for (std::int64_t row = 0; row < count; ++row) {
    const bool keep = (dropped[row / kBoxesOfWord] >> static_cast<unsigned>(row % kBoxesOfWord) & 1U) == 0;
    __syncthreads();  // all have read before any writes
    if (threadIdx.x == 0) {
      kept[row] = keep;
    }
    if (keep) {
      for (std::int64_t word = threadIdx.x; word < words; word += blockDim.x) {
        dropped[word] |= drops[row * words + word];
      }
    }
    __syncthreads();
  }
}

}  // namespace

cudaError_t launch_nms(const NmsBox* boxes, const std::int64_t* groups, std::int64_t count, double threshold,
                       std::uint64_t* drops, bool* kept, cudaStream_t stream) {
  const std::int64_t words = (count + kBoxesOfWord - 1) / kBoxesOfWord;
  const std::int64_t wanted = (count * words + kThreads - 1) / kThreads;
  const unsigned blocks = wanted < kMostBlocks ? static_cast<unsigned>(wanted) : kMostBlocks;
  find_drops<<<blocks, kThreads, 0, stream>>>(boxes, groups, count, words, threshold, drops);
  const std::size_t memory = static_cast<std::size_t>(words) * sizeof(std::uint64_t);
  keep_rest<<<1, kThreads, memory, stream>>>(drops, count, words, kept);
  return cudaGetLastError();
}

}  // namespace lockstep::nn
