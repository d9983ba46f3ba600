#pragma once

#include <memory>

#include "lockstep/parallel/arena.h"
#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// How much a step has summed over the ranks.
struct SyncReport {
  std::int64_t bytes = 0;        ///< of each rank; 0 with one rank
  std::int64_t early_bytes = 0;  ///< of them, whose sum was made or under way before backward had ended
};

/// Sums the gradients of a step over all ranks, bucket by bucket while backward goes on. A step makes these calls in
/// this order, on every rank:
///
///   begin()                before the first backward pass
///   before_last_pass()     from here on gradients are final as they land; left out by a rank without samples
///   give_up()              only on a rank whose passes have failed, at any time before finish(): it contributes zeros
///                          in place of what is missing, so that nobody waits for it; the sum is then of no use
///   finish()               afterwards the sums are in the arena
class GradientSync {
 public:
  /// Collective. The arena must outlive it and must have the same layout on all ranks.
  GradientSync(Arena& arena, Group& group);

  void begin();
  void before_last_pass();
  void give_up();
  SyncReport finish();

 private:
  Arena& arena_;
  bool alone_;
  std::int64_t bytes_ = 0;
  std::unique_ptr<Reduction> reduction_;
};

/// The order in which the gradients of the first rank that had any landed, the same on every rank; nothing where no
/// rank had any. Collective.
std::vector<std::string> agree_on_landing_order(const Arena& arena, Group& group);

}  // namespace lockstep::parallel
