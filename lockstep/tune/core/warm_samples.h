#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/data/dataset.h"

namespace lockstep::tune {

/// A dataset with a cache, as it is from its second epoch on: some samples are in the cache, and stand for all.
class WarmSamples : public data::Dataset {
 public:
  /// Loads samples into the cache by so many threads, from the beginning of the training order on, for about so long.
  /// Those that cannot be read are left out; throws DataError where none can be, and what else the dataset throws.
  /// `cached` must outlive it.
  WarmSamples(const data::Dataset& cached, std::uint64_t seed, int threads, Seconds duration);

  std::size_t size() const override { return cached_.size(); }
  const std::vector<data::Field>& layout() const override { return cached_.layout(); }
  std::string name(std::size_t index) const override { return cached_.name(index); }
  void load(const data::Draw& draw, const data::SampleSlot& slot) const override;

  /// How many are in the cache.
  std::size_t kept() const { return kept_.size(); }

 private:
  const data::Dataset& cached_;
  std::vector<std::uint64_t> kept_;
};

}  // namespace lockstep::tune
