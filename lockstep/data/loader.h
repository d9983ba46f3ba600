#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>

#include "lockstep/data/bad_samples.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/batch_plan.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/decode_pool.h"

namespace lockstep::data {

struct LoaderOptions {
  std::uint64_t seed = 0;
  bool shuffle = true;
  int prefetch_factor = 2;        ///< passes that are decoded ahead of each rank, at least 1
  std::uint64_t first_epoch = 0;  ///< where a resumed run goes on …
  std::uint64_t first_step = 0;   ///< … at this step of that epoch
  std::uint64_t end_epoch = std::numeric_limits<std::uint64_t>::max();  ///< the last epoch is the one before
  std::optional<int> only_rank{};                 ///< serve this rank alone; the others have loaders of their own
  BadSamples* bad_samples = nullptr;              ///< what cannot be read is left out and noted here; null: an error
  const HostMemory* memory = &ordinary_memory();  ///< where the fields of batches lie
};

/// Thrown to ranks that ask a loader which was cancelled.
class LoaderCancelled : public std::runtime_error {
 public:
  LoaderCancelled() : std::runtime_error("the loading of data was cancelled") {}
};

/// Hands every rank its batches in the order of the plan, decoded ahead by the pool in the order in which they are
/// needed. What a batch holds is a function of its draws, so neither the number of threads nor their timing shows. Once
/// every batch has come back a first time, nothing is allocated any more but an order for each epoch.
/// Pool and dataset, and what the options point to, must outlive the loader.
class Loader {
 public:
  Loader(DecodePool& pool, const Dataset& dataset, const RunPlan& plan, const LoaderOptions& options);

  /// Cancels, and waits for the samples that are being decoded.
  ~Loader();

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next pass of this rank: one call for each of `BatchPlan::passes`, step by step. Waits until it is decoded. It
  /// has fewer samples than planned, or none, where some could not be read (see BadSamples).
  /// Throws what the dataset threw for a sample of this pass (the first one, if several; an error that is neither a
  /// UserError nor a lack of memory then names the sample), std::bad_alloc where there is no memory for what comes
  /// later, and LoaderCancelled. A pass for which it has thrown is over: the next call gives the one behind it.
  Batch next(int rank);

  /// Takes back a batch's memory for one that comes later.
  void recycle(Batch&& batch);

  /// Wakes the ranks that wait; no further sample is begun.
  void cancel();

 private:
  struct State;

  std::unique_ptr<State> state_;
};

}  // namespace lockstep::data
