#pragma once

#include <optional>

namespace lockstep::observe {

/// The time of a device that works behind the back of the host: a mark lies behind the work that was queued before it,
/// and the device passes it when that work is done.
class DeviceTimeline {
 public:
  virtual ~DeviceTimeline() = default;

  /// Sets a mark. Does not wait.
  virtual void mark() = 0;

  /// The seconds from the oldest mark to the one after it, once the device has passed both; the oldest is then
  /// forgotten. Nothing where it has not, or where there is no second mark. Does not wait.
  virtual std::optional<double> take_interval() = 0;

  /// Waits until the device has passed all marks.
  virtual void wait() = 0;
};

}  // namespace lockstep::observe
