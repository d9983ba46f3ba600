#pragma once

#include <cstdint>
#include <optional>

#include "lockstep/data/batch_plan.h"

namespace lockstep::data {

/// One forward pass of one rank: these positions of this epoch's order.
struct Pass {
  std::uint64_t epoch = 0;
  Range positions;

  bool operator==(const Pass&) const = default;
};

/// The passes of a rank one after the other: epoch by epoch, step by step.
class PassSequence {
 public:
  /// Starts at a step of an epoch and ends before `end_epoch`.
  PassSequence(const RunPlan& plan, int rank, std::uint64_t first_epoch, std::uint64_t first_step,
               std::uint64_t end_epoch);

  /// The next pass, or nothing at the end.
  std::optional<Pass> next();

 private:
  /// Goes to the next step; false at the end.
  bool take_step();

  RunPlan plan_;
  int rank_;
  std::uint64_t epoch_;
  std::uint64_t step_;
  std::uint64_t end_epoch_;
  // The step that was taken last:
  std::uint64_t epoch_of_passes_ = 0;
  std::uint64_t step_of_passes_ = 0;
  std::uint64_t passes_ = 0;  ///< how many it has of this rank …
  std::uint64_t used_ = 0;    ///< … and how many of them were handed out
};

}  // namespace lockstep::data
