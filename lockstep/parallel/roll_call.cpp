#include "lockstep/parallel/roll_call.h"

#include <sstream>

#include "lockstep/base/log.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::parallel {
namespace {

constexpr const char* kCall = "call";

/// How often a process looks whether it is asked.
constexpr std::chrono::milliseconds kLook{250};

/// How long the one who asks waits for answers: several looks.
constexpr Seconds kPatience{3};

std::string answer_of(int rank) { return text("answer/", rank); }

}  // namespace

RollCall::RollCall(MeetingPlace& place, const std::string& name)
    : place_(place), store_(place.part(name)), thread_([this] { answer_calls(); }) {}

RollCall::~RollCall() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void RollCall::answer_calls() {
  try {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kLook, [&] { return ended_; })) {
      if (store_->check({kCall})) {
        answer();
        return;  // a group in which a collective has failed is at its end
      }
    }
  } catch (const std::exception&) {
    // Without a store nobody can ask. That it is gone is found, and told, by the rank itself.
  }
}

void RollCall::answer() {
  const int rank = place_.rank();
  store_->set(answer_of(rank), text(come_.load(std::memory_order_relaxed), " ", read_probe(rank_name(rank))));
}

std::string RollCall::missing(std::int64_t collective) {
  store_->set(kCall, std::string("1"));
  answer();
  std::vector<std::string> answers;
  for (int rank = 0; rank < place_.size(); ++rank) {
    answers.push_back(answer_of(rank));
  }
  std::optional<std::string> failed;
  poll(kPatience, [&] {
    failed = place_.failure();
    return failed || store_->check(answers);
  });
  if (failed) {
    throw PeerFailed(*failed);
  }
  std::string ranks;
  for (int rank = 0; rank < place_.size(); ++rank) {
    const std::string words = describe(rank, collective);
    ranks += (ranks.empty() || words.empty() ? "" : ", ") + words;
  }
  return ranks;
}

std::string RollCall::describe(int rank, std::int64_t collective) {
  if (!store_->check({answer_of(rank)})) {
    return text(rank_name(rank), ", which does not answer");
  }
  std::istringstream answer(store_->get_to_str(answer_of(rank)));
  std::int64_t come = 0;
  answer >> come >> std::ws;
  std::string activity;
  std::getline(answer, activity);
  return come >= collective ? "" : text(rank_name(rank), ", which is at: ", activity);
}

}  // namespace lockstep::parallel
