#pragma once

#include "lockstep/parallel/arena.h"
#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// Sums the gradients of a step over all ranks. A step makes these calls in this order, on every rank:
///
///   begin()                before the first backward pass
///   before_last_pass()     from here on gradients are final as they land
///   finish()               afterwards the sums are in the arena
///
/// A rank without samples in a step makes the same calls and contributes zeros.
class GradientSync {
 public:
  GradientSync(Arena& arena, Group& group);

  void begin();
  void before_last_pass();
  void finish();

 private:
  void agree_on_use();

  Arena& arena_;
  Group& group_;
  bool last_pass_ = false;
};

}  // namespace lockstep::parallel
