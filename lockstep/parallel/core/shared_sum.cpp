#include "lockstep/parallel/core/shared_sum.h"

#include "lockstep/base/simd.h"

namespace lockstep::parallel {
namespace {

constexpr std::size_t kBlock = 2048;  // elements; two blocks stay in the first-level cache

/// a = b = a + b: the case of two ranks, in the fewest bytes that it can move.
template <typename T>
LOCKSTEP_SIMD void sum_pair(T* __restrict a, T* __restrict b, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    a[i] += b[i];
    b[i] = a[i];
  }
}

template <typename T>
LOCKSTEP_SIMD void add(T* __restrict sum, const T* __restrict terms, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    sum[i] += terms[i];
  }
}

/// Sums up in the first buffer's block while that stays in the cache; with the last buffer the sum is whole.
template <typename T>
void sum_block(std::span<T* const> buffers, std::size_t first, std::size_t count) {
  T* const sum = buffers.front() + first;
  for (T* buffer : buffers.subspan(1, buffers.size() - 2)) {
    add(sum, buffer + first, count);
  }
  sum_pair(sum, buffers.back() + first, count);
  for (T* buffer : buffers.subspan(1, buffers.size() - 2)) {
    std::copy_n(sum, count, buffer + first);
  }
}

}  // namespace

template <typename T>
void sum_share(std::span<T* const> buffers, Share share) {
  if (buffers.size() < 2) {
    return;
  }
  for (std::size_t first = share.first; first < share.last; first += kBlock) {
    sum_block(buffers, first, std::min(kBlock, share.last - first));
  }
}

template void sum_share<float>(std::span<float* const>, Share);
template void sum_share<double>(std::span<double* const>, Share);
template void sum_share<std::int64_t>(std::span<std::int64_t* const>, Share);

}  // namespace lockstep::parallel
