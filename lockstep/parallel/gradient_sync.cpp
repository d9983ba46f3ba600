#include "lockstep/parallel/gradient_sync.h"

#include <ATen/ATen.h>

#include "lockstep/base/error.h"

namespace lockstep::parallel {

GradientSync::GradientSync(Arena& arena, Group& group) : arena_(arena), group_(group) {}

void GradientSync::begin() {
  arena_.zero_gradients();
  last_pass_ = false;
}

void GradientSync::before_last_pass() { last_pass_ = true; }

void GradientSync::finish() {
  LOCKSTEP_ASSERT(last_pass_, "gradients are summed after the last pass only");
  for (const Bucket& bucket : arena_.buckets()) {
    group_.all_reduce(bucket.gradients);
  }
  agree_on_use();
}

/// A parameter counts as used where any rank used it: its gradient is then the same sum on all of them.
void GradientSync::agree_on_use() {
  if (group_.size() == 1) {
    return;
  }
  std::vector<std::int64_t> uses;
  for (const Bucket& bucket : arena_.buckets()) {
    for (const Slot& slot : bucket.slots) {
      uses.push_back(slot.used ? 1 : 0);
    }
  }
  group_.all_reduce(at::from_blob(uses.data(), {static_cast<std::int64_t>(uses.size())}, at::kLong));
  auto use = uses.begin();
  for (Bucket& bucket : arena_.buckets()) {
    for (Slot& slot : bucket.slots) {
      slot.used = *use++ > 0;
    }
  }
}

}  // namespace lockstep::parallel
