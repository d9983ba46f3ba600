#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "lockstep/data/dataset.h"

namespace lockstep::data {

/// The samples that could not be read, over the whole run of the process, and how many of them it puts up with. Such a
/// sample is left out of its batch: it adds nothing to the loss, whose sum is divided by the planned number of samples
/// as ever, and in an evaluation it has no record. Used by all ranks and loaders; thread-safe.
class BadSamples {
 public:
  explicit BadSamples(std::size_t most) : most_(most) {}

  /// Counts a sample, once however often it is met, and warns of it. `error` is the DataError that the dataset threw.
  void note(const Dataset& dataset, std::uint64_t index, const std::exception_ptr& error);

  /// Throws DataError with the list of all samples and their reasons where there are more than may be left out; the
  /// error itself where it is the only one.
  void check() const;

  /// How many have been noted.
  std::size_t count() const;

 private:
  struct Entry {
    std::exception_ptr error;
    std::string reason;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<std::pair<const Dataset*, std::uint64_t>, Entry> entries_;
};

}  // namespace lockstep::data
