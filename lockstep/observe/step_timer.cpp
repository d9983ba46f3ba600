#include "lockstep/observe/step_timer.h"

#include <numeric>
#include <utility>

namespace lockstep::observe {
namespace {

constexpr std::array<const char*, kParts> kNames{"wait",   "copy",   "augment",  "forward",    "backward",
                                                 "reduce", "update", "evaluate", "checkpoint", "other"};

}  // namespace

const char* name_of(Part part) { return kNames.at(static_cast<std::size_t>(part)); }

PartSeconds& PartSeconds::operator+=(const PartSeconds& other) {
  for (std::size_t i = 0; i < kParts; ++i) {
    seconds_[i] += other.seconds_[i];
  }
  return *this;
}

double PartSeconds::sum() const { return std::accumulate(seconds_.begin(), seconds_.end(), 0.0); }

double PartSeconds::utilisation() const {
  const double all = sum();
  const double idle = (*this)[Part::kWait] + (*this)[Part::kReduce];
  return all > 0 ? 1 - idle / all : 1;
}

std::map<std::string, double> PartSeconds::by_name() const {
  std::map<std::string, double> named;
  for (std::size_t i = 0; i < kParts; ++i) {
    if (seconds_[i] > 0) {
      named[kNames[i]] = seconds_[i];
    }
  }
  return named;
}

StepTimer::StepTimer(std::unique_ptr<DeviceTimeline> timeline) : mark_(Clock::now()), timeline_(std::move(timeline)) {
  if (timeline_) {
    timeline_->mark();
  }
}

void StepTimer::enter(Part part, Clock::time_point now) {
  close_part(now);
  part_ = part;
  probe_.reset();  // before the next one, so that the scopes do not nest
  probe_.emplace(name_of(part));
}

void StepTimer::end_step(Clock::time_point now) {
  enter(Part::kOther, now);
  read_timeline();
  last_step_ = std::exchange(step_, PartSeconds());
}

PartSeconds StepTimer::take_account(Clock::time_point now) {
  close_part(now);
  read_timeline();
  return std::exchange(account_, PartSeconds());
}

PartSeconds StepTimer::take_last_account(Clock::time_point now) {
  close_part(now);
  if (timeline_) {
    timeline_->wait();
  }
  read_timeline();
  return std::exchange(account_, PartSeconds());
}

void StepTimer::close_part(Clock::time_point now) {
  if (timeline_) {
    timeline_->mark();
    on_timeline_.push_back(part_);
    return;
  }
  add(part_, Seconds(now - mark_).count());
  mark_ = now;
}

void StepTimer::add(Part part, double seconds) {
  step_[part] += seconds;
  account_[part] += seconds;
}

void StepTimer::read_timeline() {
  while (!on_timeline_.empty()) {
    const std::optional<double> seconds = timeline_->take_interval();
    if (!seconds) {
      break;
    }
    add(on_timeline_.front(), *seconds);
    on_timeline_.pop_front();
  }
}

}  // namespace lockstep::observe
