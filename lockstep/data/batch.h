#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lockstep/data/dataset.h"
#include "lockstep/data/host_buffer.h"

namespace lockstep::data {

class BadSamples;

/// The samples of one forward pass of one rank, decoded.
struct Batch {
  std::vector<Draw> draws;                       ///< one a sample
  std::vector<Field> layout;                     ///< as the dataset's
  std::vector<HostBuffer> fields;                ///< one a field: (batch, *shape), contiguous, aligned
  std::vector<std::vector<RaggedArray>> ragged;  ///< one list a sample

  std::size_t size() const { return draws.size(); }
};

/// Makes room in a batch for these samples. What memory it has is used again.
void shape_batch(Batch& batch, const std::vector<Field>& layout, std::vector<Draw> draws);

/// The same for the draws that stand in the batch. Fields that it has not yet are taken from `memory`, at once for
/// `most_samples`, so that a larger batch in the same memory needs no more of it.
void shape_batch(Batch& batch, const std::vector<Field>& layout, std::size_t most_samples, const HostMemory& memory);

/// Where a sample of a shaped batch is to be written.
SampleSlot slot_of(Batch& batch, std::size_t sample);

/// Takes samples, named by their places in rising order, out of a batch; the others keep their order.
void leave_out(Batch& batch, std::span<const std::size_t> samples);

/// A copy of the samples at these places, in ordinary memory.
Batch part_of(const Batch& batch, std::size_t begin, std::size_t end);

/// A batch of these samples, loaded one after the other by the calling thread. With `bad_samples` it is without those
/// that cannot be read, as long as there are not too many of them.
Batch load_batch(const Dataset& dataset, std::vector<Draw> draws, BadSamples* bad_samples = nullptr);

}  // namespace lockstep::data
