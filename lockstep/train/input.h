#pragma once

#include <optional>

#include "lockstep/checkpoint/state.h"
#include "lockstep/data/loader.h"
#include "lockstep/parallel/world.h"
#include "lockstep/train/plan.h"

namespace lockstep::train {

/// What feeds the ranks of this process with the training set: the threads that decode, and the loader that hands out
/// what they made.
class Input {
 public:
  /// The loader begins where `state` stands. The plan must outlive it.
  Input(const Plan& plan, const parallel::World& world, int decode_threads, const checkpoint::State& state);

  /// Waits for reads that are under way. A disk that does not answer keeps it: the probe of the thread says so.
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  data::DecodePool& pool() { return *pool_; }
  data::Loader& loader() { return *loader_; }

 private:
  std::optional<data::DecodePool> pool_;
  std::optional<data::Loader> loader_;
};

}  // namespace lockstep::train
