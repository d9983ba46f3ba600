#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace lockstep::parallel {

/// The share of rank `rank` in `count` elements: [first, last). Shares begin at multiples of a cache line.
struct Share {
  std::size_t first = 0;
  std::size_t last = 0;
};

inline Share share_of(std::size_t count, std::size_t rank, std::size_t world_size) {
  constexpr std::size_t kLine = 16;
  const std::size_t lines = (count + kLine - 1) / kLine;
  return {std::min(count, lines * rank / world_size * kLine), std::min(count, lines * (rank + 1) / world_size * kLine)};
}

/// Sums one share of several buffers, element by element in the order of the buffers, and leaves the sum in all of
/// them. Every rank does this for its own share at the same time, so that the sum is the same bits everywhere, always.
template <typename T>
void sum_share(std::span<T* const> buffers, Share share) {
  constexpr std::size_t kBlock = 2048;  // stays in the first-level cache together with one buffer's block
  std::array<T, kBlock> sum;
  for (std::size_t first = share.first; first < share.last; first += kBlock) {
    const std::size_t count = std::min(kBlock, share.last - first);
    std::copy_n(buffers[0] + first, count, sum.begin());
    for (const T* buffer : buffers.subspan(1)) {
      for (std::size_t i = 0; i < count; ++i) {
        sum[i] += buffer[first + i];
      }
    }
    for (T* buffer : buffers) {
      std::copy_n(sum.begin(), count, buffer + first);
    }
  }
}

}  // namespace lockstep::parallel
