#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "lockstep/train/options.h"

namespace lockstep::parity {

/// How PyTorch trains what a case asks for.
enum class Reference {
  kDistributed,  ///< DistributedDataParallel over as many processes as there are ranks
  kPlain,        ///< one process, all samples of a step in one pass: for steps that do not divide evenly
};

/// Optimizer steps of every case.
inline constexpr std::int64_t kSteps = 30;

/// One training that is done twice.
struct Case {
  std::string name;
  std::string network = "small_convolutions";
  int ranks = 1;
  Reference reference = Reference::kDistributed;
  std::int64_t steps_per_epoch = 10;      ///< with the batch of the first stage
  std::int64_t samples_of_last_step = 0;  ///< of such an epoch; 0: as many as of every step
  train::TrainOptions options;            ///< what the engine is asked to do

  std::int64_t global_batch() const { return ranks * options.batch_size * options.accumulation_steps; }
  std::int64_t samples() const;  ///< of the training set
};

/// Names the case where a test of it fails.
std::ostream& operator<<(std::ostream& stream, const Case& one);

/// The side of the images, in pixels: LOCKSTEP_PARITY_SIDE.
std::int64_t image_side();

/// All cases. Variables of the environment change them, as README.md says.
std::vector<Case> all_cases();

}  // namespace lockstep::parity
