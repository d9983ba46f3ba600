#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "lockstep/parallel/group.h"

namespace lockstep::train {

/// What one rank knows at the end of a step, before the update.
struct Vote {
  double loss_sum = 0;         ///< over this rank's samples
  std::int64_t samples = 0;    ///< of this rank
  std::uint64_t digest = 0;    ///< sum of the hashes of the samples' numbers, modulo 2^64
  double utilisation = 0;      ///< of the step before, 0 … 1
  bool stop = false;           ///< asks that the run stop after this step
  bool save = false;           ///< asks for a snapshot after this step
  bool end_of_time = false;    ///< says that the time that the run may take is up
  std::string not_finite;      ///< names of samples whose loss is not a finite number
  std::string failure;         ///< what this rank failed with; its gradients are then zeros
  bool out_of_memory = false;  ///< whether that is what it failed with …
  bool can_retry = false;      ///< … in a pass, which smaller ones may mend
};

/// What all ranks together say: the same on every rank.
struct Verdict {
  double loss = 0;  ///< mean over the samples of the global batch; 0 where all of them were left out
  std::int64_t samples = 0;
  std::uint64_t digest = 0;
  std::vector<double> utilisation;  ///< by rank
  bool stop = false;
  bool save = false;
  bool end_of_time = false;
  std::string not_finite;
  std::vector<int> not_finite_ranks;  ///< whose samples those are
  std::string failure;
  bool out_of_memory = false;
  bool retry = false;  ///< ranks failed, and each of those for want of memory in a pass
};

/// Collects the votes of all ranks.
Verdict agree(parallel::Group& group, const Vote& vote);

/// Makes it a vote of a rank that has failed with this error.
void fail(Vote& vote, int rank, const std::exception& error);

/// The hash of a sample's number, for Vote::digest.
std::uint64_t hash_of_sample(std::uint64_t index);

}  // namespace lockstep::train
