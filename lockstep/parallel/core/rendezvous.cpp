#include "lockstep/parallel/core/rendezvous.h"

#include <string_view>

#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {

std::string rank_name(int rank) { return text("rank ", rank); }

Rendezvous::Rendezvous(int world_size, Seconds timeout)
    : world_size_(world_size), timeout_(timeout), present_(static_cast<std::size_t>(world_size), false) {
  LOCKSTEP_ASSERT(world_size >= 1, "a meeting needs a rank");
}

void Rendezvous::meet(int rank, const char* occasion) {
  const MeetingScope probe(occasion);
  std::unique_lock lock(mutex_);
  if (called_off_) {
    throw PeerFailed(reason_);
  }
  LOCKSTEP_ASSERT(arrived_ == 0 || std::string_view(occasion_) == occasion,
                  text(rank_name(rank), " came for '", occasion, "' where others wait for '", occasion_, "'"));
  LOCKSTEP_ASSERT(!present_.at(static_cast<std::size_t>(rank)), text(rank_name(rank), " came twice"));
  occasion_ = occasion;
  present_[static_cast<std::size_t>(rank)] = true;
  if (++arrived_ == world_size_) {
    arrived_ = 0;
    present_.assign(present_.size(), false);
    ++meetings_;
    changed_.notify_all();
    return;
  }
  const std::size_t awaited = meetings_ + 1;
  const auto taken_place = [&] { return meetings_ >= awaited || called_off_; };
  if (!changed_.wait_for(lock, timeout_, taken_place)) {
    throw RanksMissing(text(rank_name(rank), " waited ", format_duration(timeout_.count()), " for ", absent_ranks(),
                            " (", occasion, ")"),
                       "give slow steps more time with --watchdog SECONDS");
  }
  if (meetings_ < awaited) {
    throw PeerFailed(reason_);
  }
}

void Rendezvous::call_off(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!called_off_) {
    called_off_ = true;
    reason_ = reason;
    changed_.notify_all();
  }
}

std::string Rendezvous::absent_ranks() const {
  std::string absent;
  for (int rank = 0; rank < world_size_; ++rank) {
    if (!present_[static_cast<std::size_t>(rank)]) {
      absent += text(absent.empty() ? "" : ", ", rank_name(rank), ", which is at: ", read_probe(rank_name(rank)));
    }
  }
  return absent;
}

}  // namespace lockstep::parallel
