#include "lockstep/train/watchdog.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

namespace {

void add_to(std::string& words, const ProbeReading& thread) {
  words += text(words.empty() ? "" : ", ", thread.thread, ", which is at: ", thread.activity);
}

}  // namespace

std::optional<std::string> describe_standstill(const std::vector<ProbeReading>& threads, Seconds limit,
                                               const std::vector<ProbeReading>& helpers) {
  std::string words;
  for (const ProbeReading& thread : threads) {
    if (thread.is_idle) {
      continue;
    }
    if (thread.is_meeting || thread.seconds < limit.count()) {
      return std::nullopt;
    }
    add_to(words, thread);
  }
  if (words.empty()) {
    return std::nullopt;
  }
  for (const ProbeReading& helper : helpers) {
    if (!helper.is_idle && helper.seconds >= limit.count() / 2) {
      add_to(words, helper);
    }
  }
  return text("nothing has moved for ", format_duration(limit.count()), " in ", words);
}

Watchdog::Watchdog(Seconds limit, std::vector<std::string> names, std::function<void(const std::exception_ptr&)> bark)
    : limit_(limit), names_(std::move(names)), bark_(std::move(bark)), thread_([this] { look_now_and_then(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
}

void Watchdog::look_now_and_then() {
  // Often enough that the end comes little later than was asked for.
  const Seconds pause = std::min(limit_ / 4, Seconds(1));
  constexpr double kLate = 5;  // seconds
  Stopwatch since_look;
  Stopwatch awake;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, pause, [&] { return is_over_; })) {
    if (since_look.lap() > pause.count() + kLate) {
      awake.lap();  // the whole process was stopped, as by Ctrl-Z: nobody could move
    }
    const std::optional<std::string> words = look();
    if (words && awake.seconds() >= limit_.count()) {
      lock.unlock();
      bark_(std::make_exception_ptr(
          TrainingError(*words, "what was saved is safe; give slow steps more time with --watchdog SECONDS")));
      return;
    }
  }
}

std::optional<std::string> Watchdog::look() const {
  std::vector<ProbeReading> own;
  std::vector<ProbeReading> others;
  for (ProbeReading& reading : read_probes()) {
    (std::ranges::count(names_, reading.thread) > 0 ? own : others).push_back(std::move(reading));
  }
  std::ranges::sort(own, {}, [&](const ProbeReading& reading) { return std::ranges::find(names_, reading.thread); });
  // Where some are gone, an error of theirs may be on its way: whoever waits for the others tells it, and not later.
  const bool some_are_gone = own.size() > 1 && own.size() < names_.size();
  return describe_standstill(own, some_are_gone ? 2 * limit_ + Seconds(2) : limit_, others);
}

}  // namespace lockstep::train
