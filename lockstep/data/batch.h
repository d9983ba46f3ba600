#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/data/dataset.h"

namespace lockstep::data {

/// The samples of one forward pass of one rank, decoded.
struct Batch {
  std::vector<Draw> draws;                       ///< one a sample
  std::vector<Field> layout;                     ///< as the dataset's
  std::vector<std::vector<std::byte>> fields;    ///< one a field: (batch, *shape), contiguous
  std::vector<std::vector<RaggedArray>> ragged;  ///< one list a sample

  std::size_t size() const { return draws.size(); }
};

}  // namespace lockstep::data
