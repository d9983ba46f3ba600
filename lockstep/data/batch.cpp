#include "lockstep/data/batch.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/data/bad_samples.h"

namespace lockstep::data {

void shape_batch(Batch& batch, const std::vector<Field>& layout, std::vector<Draw> draws) {
  batch.draws = std::move(draws);
  shape_batch(batch, layout, batch.size(), ordinary_memory());
}

void shape_batch(Batch& batch, const std::vector<Field>& layout, std::size_t most_samples, const HostMemory& memory) {
  batch.layout = layout;
  batch.fields.reserve(layout.size());
  while (batch.fields.size() < layout.size()) {
    batch.fields.emplace_back(memory);
  }
  for (std::size_t i = 0; i < layout.size(); ++i) {
    batch.fields[i].reserve(most_samples * layout[i].bytes());
    batch.fields[i].resize(batch.size() * layout[i].bytes());
  }
  batch.ragged.resize(batch.size());
  for (std::vector<RaggedArray>& arrays : batch.ragged) {
    arrays.clear();
  }
}

SampleSlot slot_of(Batch& batch, std::size_t sample) {
  SampleSlot slot;
  for (std::size_t i = 0; i < batch.fields.size(); ++i) {
    const std::size_t bytes = batch.layout[i].bytes();
    slot.fields.push_back(std::span(batch.fields[i]).subspan(sample * bytes, bytes));
  }
  slot.ragged = &batch.ragged[sample];
  return slot;
}

void leave_out(Batch& batch, std::span<const std::size_t> samples) {
  std::size_t kept = 0;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    if (!samples.empty() && samples.front() == sample) {
      samples = samples.subspan(1);
      continue;
    }
    if (kept < sample) {
      const SampleSlot from = slot_of(batch, sample);
      const SampleSlot to = slot_of(batch, kept);
      for (std::size_t i = 0; i < from.fields.size(); ++i) {
        std::ranges::copy(from.fields[i], to.fields[i].begin());
      }
      batch.draws[kept] = batch.draws[sample];
      std::swap(batch.ragged[kept], batch.ragged[sample]);
    }
    ++kept;
  }
  batch.draws.resize(kept);
  batch.ragged.resize(kept);
  for (std::size_t i = 0; i < batch.fields.size(); ++i) {
    batch.fields[i].resize(kept * batch.layout[i].bytes());
  }
}

Batch part_of(const Batch& batch, std::size_t begin, std::size_t end) {
  LOCKSTEP_ASSERT(begin <= end && end <= batch.size(), "a part of a batch that it does not have");
  const auto places = [&](const auto& all) { return std::span(all).subspan(begin, end - begin); };
  Batch part;
  const auto draws = places(batch.draws);
  shape_batch(part, batch.layout, {draws.begin(), draws.end()});
  std::ranges::copy(places(batch.ragged), part.ragged.begin());
  for (std::size_t i = 0; i < batch.fields.size(); ++i) {
    const std::size_t bytes = batch.layout[i].bytes();
    std::ranges::copy(std::span(batch.fields[i]).subspan(begin * bytes, (end - begin) * bytes), part.fields[i].begin());
  }
  return part;
}

Batch load_batch(const Dataset& dataset, std::vector<Draw> draws, BadSamples* bad_samples) {
  Batch batch;
  shape_batch(batch, dataset.layout(), std::move(draws));
  std::vector<std::size_t> unreadable;
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    const Draw& draw = batch.draws[sample];
    try {
      dataset.load(draw, slot_of(batch, sample));
    } catch (const DataError&) {
      if (bad_samples == nullptr) {
        throw;
      }
      bad_samples->note(dataset, draw.index, std::current_exception());
      unreadable.push_back(sample);
    }
  }
  if (!unreadable.empty()) {
    bad_samples->check();
    leave_out(batch, unreadable);
  }
  return batch;
}

}  // namespace lockstep::data
