#include "lockstep/base/probe.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include "lockstep/base/text.h"

namespace lockstep {
namespace {

class Entry {
 public:
  explicit Entry(std::string thread) : thread_(std::move(thread)) {}

  /// Gives what the activity was before.
  Activity begin(Activity activity) {
    const std::lock_guard lock(mutex_);
    since_.lap();
    return std::exchange(activity_, std::move(activity));
  }

  ProbeReading read() const {
    const std::lock_guard lock(mutex_);
    std::string words = activity_.name != nullptr ? activity_.name : "idle";
    if (activity_.number >= 0) {
      words += text(" ", activity_.number);
    }
    if (!activity_.subject.empty()) {
      words += " " + activity_.subject;
    }
    return {thread_, std::move(words), since_.seconds(), activity_.is_meeting, activity_.name == nullptr};
  }

 private:
  const std::string thread_;
  mutable std::mutex mutex_;
  Activity activity_;
  Stopwatch since_;
};

struct Registry {
  std::mutex mutex;
  std::vector<std::shared_ptr<Entry>> entries;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

thread_local std::shared_ptr<Entry> this_thread;

}  // namespace

ProbeScope::ProbeScope(Activity activity)
    : before_(this_thread ? this_thread->begin(std::move(activity)) : Activity()) {}

ProbeScope::~ProbeScope() {
  if (this_thread) {
    this_thread->begin(std::move(before_));
  }
}

ProbedThread::ProbedThread(std::string name) {
  this_thread = std::make_shared<Entry>(std::move(name));
  const std::lock_guard lock(registry().mutex);
  registry().entries.push_back(this_thread);
}

ProbedThread::~ProbedThread() {
  const std::lock_guard lock(registry().mutex);
  std::erase(registry().entries, this_thread);
  this_thread.reset();
}

std::vector<ProbeReading> read_probes() {
  std::vector<ProbeReading> readings;
  const std::lock_guard lock(registry().mutex);
  for (const auto& entry : registry().entries) {
    readings.push_back(entry->read());
  }
  return readings;
}

std::string read_probe(const std::string& thread) {
  for (const ProbeReading& reading : read_probes()) {
    if (reading.thread == thread) {
      return reading.activity;
    }
  }
  return "gone";
}

}  // namespace lockstep
