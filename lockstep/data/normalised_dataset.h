#pragma once

#include <vector>

#include "lockstep/data/dataset.h"

namespace lockstep::data {

/// Photographs with masks in the form in which a network takes them, made by the threads that decode. Fields: "image"
/// (3, S, S) float32, normalised, and "mask" (1, S, S) float32, 0 … 1.
class NormalisedDataset : public Dataset {
 public:
  /// Wraps a set of the fields "image" (S, S, 3) uint8 and "mask" (S, S) uint8, which must outlive it.
  explicit NormalisedDataset(const Dataset& photographs);

  std::size_t size() const override { return photographs_.size(); }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return photographs_.name(index); }
  void load(const Draw& draw, const SampleSlot& slot) const override;

 private:
  const Dataset& photographs_;
  std::vector<Field> layout_;
};

}  // namespace lockstep::data
