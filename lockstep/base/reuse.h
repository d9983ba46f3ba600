#pragma once

#include <cstddef>
#include <vector>

namespace lockstep {

/// Makes room for so many values in a buffer, which may then hold anything. Where it must grow, it gives its memory
/// back first and takes no more than asked for: std::vector would take up to twice of it, beside the old.
template <typename T>
void reserve_for_reuse(std::vector<T>& buffer, std::size_t size) {
  if (buffer.capacity() < size) {
    std::vector<T>().swap(buffer);
    buffer.reserve(size);
  }
}

/// Gives a buffer this size; what memory it has is used again. It may then hold anything.
template <typename T>
void resize_for_reuse(std::vector<T>& buffer, std::size_t size) {
  reserve_for_reuse(buffer, size);
  buffer.resize(size);
}

}  // namespace lockstep
