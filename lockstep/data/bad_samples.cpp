#include "lockstep/data/bad_samples.h"

#include <algorithm>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

}  // namespace

void BadSamples::note(const Dataset& dataset, std::uint64_t index, const std::exception_ptr& error) {
  const std::string reason = reason_of(error);
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!entries_.try_emplace({&dataset, index}, Entry{error, reason}).second) {
      return;
    }
    count = entries_.size();
  }
  if (count <= most_) {
    log::warn(text("bad sample ", count, " of at most ", most_, " is left out: ", reason));
  }
}

void BadSamples::check() const {
  const std::lock_guard lock(mutex_);
  if (entries_.size() <= most_) {
    return;
  }
  if (entries_.size() == 1) {
    std::rethrow_exception(entries_.begin()->second.error);
  }
  std::vector<std::string> reasons;
  for (const auto& [sample, entry] : entries_) {
    reasons.push_back(entry.reason);
  }
  // Ranks come upon them in any order.
  std::ranges::sort(reasons);
  std::string list;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    list += text(i == 0 ? "" : "; ", "(", i + 1, ") ", reasons[i]);
  }
  throw DataError(
      text(entries_.size(), " samples cannot be read, and --max-bad-samples allows for ", most_, ": ", list),
      "mend or remove them, or let more of them be left out");
}

std::size_t BadSamples::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace lockstep::data
