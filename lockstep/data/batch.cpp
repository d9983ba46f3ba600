#include "lockstep/data/batch.h"

#include <span>
#include <utility>

namespace lockstep::data {

void shape_batch(Batch& batch, const std::vector<Field>& layout, std::vector<Draw> draws) {
  batch.draws = std::move(draws);
  batch.layout = layout;
  batch.fields.resize(layout.size());
  for (std::size_t i = 0; i < layout.size(); ++i) {
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

Batch load_batch(const Dataset& dataset, std::vector<Draw> draws) {
  Batch batch;
  shape_batch(batch, dataset.layout(), std::move(draws));
  for (std::size_t sample = 0; sample < batch.size(); ++sample) {
    dataset.load(batch.draws[sample], slot_of(batch, sample));
  }
  return batch;
}

}  // namespace lockstep::data
