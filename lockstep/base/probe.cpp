#include "lockstep/base/probe.h"

#include <algorithm>
#include <memory>
#include <mutex>

namespace lockstep {
namespace {

struct Entry {
  std::string thread;
  std::atomic<const char*> activity{nullptr};
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

ProbeScope::ProbeScope(const char* activity)
    : before_(this_thread ? this_thread->activity.exchange(activity, std::memory_order_relaxed) : nullptr) {}

ProbeScope::~ProbeScope() {
  if (this_thread) {
    this_thread->activity.store(before_, std::memory_order_relaxed);
  }
}

ProbedThread::ProbedThread(std::string name) {
  this_thread = std::make_shared<Entry>();
  this_thread->thread = std::move(name);
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
    const char* activity = entry->activity.load(std::memory_order_relaxed);
    readings.push_back({entry->thread, activity != nullptr ? activity : "idle"});
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
