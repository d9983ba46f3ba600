#include "lockstep/observe/step_timer.h"

#include <numeric>
#include <utility>

namespace lockstep::observe {
namespace {

constexpr std::array<const char*, kParts> kNames{"wait",   "copy",     "forward",    "backward", "reduce",
                                                 "update", "evaluate", "checkpoint", "other"};

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

void StepTimer::enter(Part part, Clock::time_point now) {
  step_[part_] += Seconds(now - mark_).count();
  mark_ = now;
  part_ = part;
  probe_.reset();  // before the next one, so that the scopes do not nest
  probe_.emplace(name_of(part));
}

void StepTimer::end_step(Clock::time_point now) {
  enter(Part::kOther, now);
  last_step_ = std::exchange(step_, PartSeconds());
  total_ += last_step_;
}

}  // namespace lockstep::observe
