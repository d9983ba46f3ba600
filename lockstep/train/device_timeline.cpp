#include "lockstep/train/device_timeline.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <deque>
#include <utility>
#include <vector>

namespace lockstep::train {
namespace {

/// Through LibTorch's interface to any kind of device, so that nothing of CUDA need be there to build it.
class EventTimeline : public observe::DeviceTimeline {
 public:
  explicit EventTimeline(c10::Device device) : device_(device), guard_(device.type()) {}

  void mark() override {
    c10::Event event = spare_.empty() ? c10::Event(device_.type(), c10::EventFlag::BACKEND_DEFAULT) : take_spare();
    event.record(guard_.getStream(device_));
    marks_.push_back(std::move(event));
  }

  std::optional<double> take_interval() override {
    constexpr double kMillisecond = 1e-3;
    if (marks_.size() < 2 || !marks_[1].query()) {
      return std::nullopt;  // a stream passes its marks in their order
    }
    const double seconds = marks_[0].elapsedTime(marks_[1]) * kMillisecond;
    spare_.push_back(std::move(marks_.front()));
    marks_.pop_front();
    return seconds;
  }

  void wait() override {
    if (!marks_.empty()) {
      marks_.back().synchronize();
    }
  }

 private:
  c10::Event take_spare() {
    c10::Event event = std::move(spare_.back());
    spare_.pop_back();
    return event;
  }

  c10::Device device_;
  c10::impl::VirtualGuardImpl guard_;
  std::deque<c10::Event> marks_;   ///< from the oldest that the device may not have passed, and the one before
  std::vector<c10::Event> spare_;  ///< to be recorded again
};

}  // namespace

std::unique_ptr<observe::DeviceTimeline> make_device_timeline(c10::Device device) {
  return device.is_cpu() ? nullptr : std::make_unique<EventTimeline>(device);
}

}  // namespace lockstep::train
