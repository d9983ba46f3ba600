#include "lockstep/parallel/meeting_place.h"

#include <algorithm>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::parallel {
namespace {

constexpr const char* kFailure = "failure";

/// How long the process that keeps the store waits for the others to leave.
constexpr Seconds kLeave{5};
constexpr Seconds kLeaveAfterFailure{1};

std::string leaving(int rank) { return text("left/", rank); }

}  // namespace

bool poll(Seconds at_most, const std::function<bool()>& done) {
  const Stopwatch waited;
  for (auto pause = std::chrono::milliseconds(1); !done(); pause = std::min(pause * 2, decltype(pause)(50))) {
    if (waited.seconds() > at_most.count()) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

MeetingPlace::MeetingPlace(c10::intrusive_ptr<c10d::Store> store, int rank, int size, Seconds timeout, bool keeps_store)
    : store_(std::move(store)), rank_(rank), size_(size), timeout_(timeout), keeps_store_(keeps_store) {}

MeetingPlace::~MeetingPlace() {
  try {
    store_->set(leaving(rank_), std::string("1"));
    if (keeps_store_) {
      // Whoever still needs the store would take its end for a failure.
      std::vector<std::string> all;
      for (int rank = 0; rank < size_; ++rank) {
        all.push_back(leaving(rank));
      }
      poll(failure() ? kLeaveAfterFailure : kLeave, [&] { return store_->check(all); });
    }
  } catch (const std::exception&) {
    // The store is gone, and with it everyone who could wait for a farewell.
  }
}

std::vector<std::string> MeetingPlace::meet(const std::string& occasion, const std::string& brought) {
  const int meeting = meetings_++;
  std::vector<std::string> keys;
  for (int rank = 0; rank < size_; ++rank) {
    keys.push_back(key(meeting, rank));
  }
  // An empty value is no value to some stores.
  store_->set(key(meeting, rank_), "=" + brought);
  std::optional<std::string> failed;
  const bool over = poll(timeout_, [&] {
    failed = failure();
    return failed || store_->check(keys);
  });
  if (failed) {
    throw PeerFailed(*failed);
  }
  if (!over) {
    std::string absent;
    for (int rank = 0; rank < size_; ++rank) {
      absent += store_->check({key(meeting, rank)}) ? "" : (absent.empty() ? "" : ", ") + rank_name(rank);
    }
    throw RanksMissing(
        text(rank_name(rank_), " waited ", format_duration(timeout_.count()), " for ", absent, " (", occasion, ")"),
        "see whether all processes were started, or give slow ones more time with --watchdog SECONDS");
  }
  std::vector<std::string> all;
  for (const std::string& each : keys) {
    all.push_back(store_->get_to_str(each).substr(1));
  }
  return all;
}

bool MeetingPlace::abandon(const std::string& reason) {
  // Stores differ in what they give for a key that is not there yet; a reason once there is given by all of them.
  const std::string author = text(rank_, " ");
  return store_->compareSet(kFailure, "", author + reason).starts_with(author);
}

std::optional<std::string> MeetingPlace::failure() {
  if (!store_->check({kFailure})) {
    return std::nullopt;
  }
  const std::string kept = store_->get_to_str(kFailure);
  return kept.substr(kept.find(' ') + 1);
}

c10::intrusive_ptr<c10d::Store> MeetingPlace::part(const std::string& name) const {
  return c10::make_intrusive<c10d::PrefixStore>(name, store_);
}

std::string MeetingPlace::key(int meeting, int rank) const { return text("meeting/", meeting, "/", rank); }

}  // namespace lockstep::parallel
