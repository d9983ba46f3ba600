#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lockstep/base/clock.h"
#include "lockstep/base/probe.h"
#include "lockstep/observe/device_timeline.h"

namespace lockstep::observe {

/// What a rank does in a step.
enum class Part {
  kWait,      ///< for data
  kCopy,      ///< of the batch to the device
  kAugment,   ///< of the batch on the device; none on the CPU, where the decode threads augment
  kForward,   ///< with the loss
  kBackward,  ///< without the reduction
  kReduce,    ///< of the gradients over the ranks, as far as backward did not hide it, and waiting for the others
  kUpdate,
  kEvaluate,
  kCheckpoint,
  kOther,  ///< what has no name here
};

inline constexpr std::size_t kParts = 10;

/// "wait", "forward" …: as in the run's log, and as a probe shows it.
const char* name_of(Part part);

/// Seconds by part.
class PartSeconds {
 public:
  double operator[](Part part) const { return seconds_[static_cast<std::size_t>(part)]; }
  double& operator[](Part part) { return seconds_[static_cast<std::size_t>(part)]; }

  PartSeconds& operator+=(const PartSeconds& other);

  /// The sum of all parts: what the clock on the wall says.
  double sum() const;

  /// The fraction of the time in 0 … 1 in which the rank waited neither for data nor for other ranks.
  double utilisation() const;

  /// The parts that took time, by name.
  std::map<std::string, double> by_name() const;

 private:
  std::array<double, kParts> seconds_{};
};

/// Accounts for all of a rank's time: from one mark to the next it belongs to the part that the rank had entered. Used
/// by the rank's own thread, whose probe shows the part.
///
/// Where the rank has a device with a timeline of its own, marks are set on that: a part has the time in which the
/// device worked for it, or for want of anything else stood idle while the rank was in it. Nobody waits for the device
/// before the end, so that what it has not passed yet at the end of a step counts in the next one.
class StepTimer {
 public:
  explicit StepTimer(Clock::time_point now = Clock::now()) : mark_(now) {}

  /// With the timeline of the rank's device; null for the clock of the host.
  explicit StepTimer(std::unique_ptr<DeviceTimeline> timeline);

  /// From now on the time belongs to `part`. Must not be called inside a ProbeScope that was opened since.
  void enter(Part part, Clock::time_point now = Clock::now());

  /// Ends a step; the time from now on belongs to the next one, and to no named part until `enter`.
  void end_step(Clock::time_point now = Clock::now());

  const PartSeconds& last_step() const { return last_step_; }

  /// All since this was last asked, or since the start, whether or not a step has ended.
  PartSeconds take_account(Clock::time_point now = Clock::now());

  /// The same at the end: waits for the device, so that nothing is left out.
  PartSeconds take_last_account(Clock::time_point now = Clock::now());

 private:
  void close_part(Clock::time_point now);
  void add(Part part, double seconds);
  void read_timeline();

  Clock::time_point mark_;
  Part part_ = Part::kOther;
  PartSeconds step_;
  PartSeconds last_step_;
  PartSeconds account_;
  std::unique_ptr<DeviceTimeline> timeline_;
  std::deque<Part> on_timeline_;  ///< the parts between the marks that the device may not have passed yet
  std::optional<ProbeScope> probe_;
};

}  // namespace lockstep::observe
