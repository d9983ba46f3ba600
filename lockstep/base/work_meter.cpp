#include "lockstep/base/work_meter.h"

#include <atomic>
#include <mutex>

#include "lockstep/base/clock.h"
#include "lockstep/base/cpu_time.h"
#include "lockstep/base/error.h"

namespace lockstep {
namespace {

std::atomic<bool> metered{false};

std::mutex mutex;  // guards what follows
std::map<std::string, WorkTime> collected;

thread_local WorkScope* innermost = nullptr;

WorkTime now() { return {Seconds(Clock::now().time_since_epoch()).count(), cpu_seconds_of_thread()}; }

WorkTime difference(const WorkTime& a, const WorkTime& b) {
  return {a.seconds - b.seconds, a.cpu_seconds - b.cpu_seconds};
}

void add(WorkTime& sum, const WorkTime& time) {
  sum.seconds += time.seconds;
  sum.cpu_seconds += time.cpu_seconds;
}

}  // namespace

WorkMeter::WorkMeter() {
  const std::lock_guard lock(mutex);
  LOCKSTEP_ASSERT(!metered, "there is a meter already");
  collected.clear();
  metered = true;
}

WorkMeter::~WorkMeter() { metered = false; }

std::map<std::string, WorkTime> WorkMeter::times() const {
  const std::lock_guard lock(mutex);
  return collected;
}

WorkScope::WorkScope(const char* name) {
  if (!metered.load(std::memory_order_relaxed)) {
    return;
  }
  name_ = name;
  outer_ = innermost;
  innermost = this;
  begin_ = now();
}

WorkScope::~WorkScope() {
  if (name_ == nullptr) {
    return;
  }
  const WorkTime whole = difference(now(), begin_);
  innermost = outer_;
  if (outer_ != nullptr) {
    add(outer_->inside_, whole);
  }
  const std::lock_guard lock(mutex);
  add(collected[name_], difference(whole, inside_));
}

}  // namespace lockstep
