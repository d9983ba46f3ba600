#include "lockstep/data/first_epoch.h"

namespace lockstep::data {

void FirstEpoch::begin_sample(std::uint64_t epoch) {
  if (has_ended_.load(std::memory_order_relaxed)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  first_ = first_.value_or(epoch);
  loading_ += epoch == *first_ ? 1 : 0;
  has_later_ = has_later_ || epoch != *first_;
}

bool FirstEpoch::end_sample(std::uint64_t epoch) {
  if (has_ended_.load(std::memory_order_relaxed)) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  loading_ -= epoch == first_ ? 1 : 0;
  return has_later_ && loading_ == 0 && !has_ended_.exchange(true, std::memory_order_relaxed);
}

}  // namespace lockstep::data
