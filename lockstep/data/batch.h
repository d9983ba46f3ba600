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

/// Makes room in a batch for these samples. What memory it has is used again.
void shape_batch(Batch& batch, const std::vector<Field>& layout, std::vector<Draw> draws);

/// Where a sample of a shaped batch is to be written.
SampleSlot slot_of(Batch& batch, std::size_t sample);

/// A batch of these samples, loaded one after the other by the calling thread.
Batch load_batch(const Dataset& dataset, std::vector<Draw> draws);

}  // namespace lockstep::data
