#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
/// The buffers do not overlap. For float, double and std::int64_t.
template <typename T>
void sum_share(std::span<T* const> buffers, Share share);

extern template void sum_share<float>(std::span<float* const>, Share);
extern template void sum_share<double>(std::span<double* const>, Share);
extern template void sum_share<std::int64_t>(std::span<std::int64_t* const>, Share);

}  // namespace lockstep::parallel
