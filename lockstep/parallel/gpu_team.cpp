#include "lockstep/parallel/gpu_team.h"

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::parallel {

bool Job::is_complete() const {
  return std::ranges::all_of(parts, [](const auto& part) { return part != nullptr; });
}

GpuTeam::GpuTeam(int ranks, Seconds timeout, std::unique_ptr<Enqueuer> enqueuer)
    : ranks_(ranks),
      timeout_(timeout),
      enqueuer_(std::move(enqueuer)),
      submitted_(static_cast<std::size_t>(ranks), 0),
      thread_([this](const std::stop_token& stop) { enqueue_jobs(stop); }) {}

GpuTeam::~GpuTeam() {
  thread_.request_stop();
  thread_.join();  // before what it uses goes
}

std::shared_ptr<Job> GpuTeam::submit(int rank, Job::Kind kind, int root, const at::Tensor& tensor,
                                     const std::string& occasion) {
  LOCKSTEP_ASSERT(tensor.is_contiguous(), "collectives take contiguous tensors");
  std::unique_ptr<Part> part = enqueuer_->bring(tensor);

  const std::lock_guard lock(mutex_);
  const auto place = static_cast<std::size_t>(rank);
  const auto index = static_cast<std::size_t>(submitted_[place]++ - enqueued_);
  if (index == open_.size()) {
    auto job = std::make_shared<Job>();
    job->kind = kind;
    job->root = root;
    job->occasion = occasion;
    job->parts.resize(static_cast<std::size_t>(ranks_));
    open_.push_back(std::move(job));
  }
  const std::shared_ptr<Job>& job = open_[index];
  LOCKSTEP_ASSERT(job->kind == kind && job->root == root && job->occasion == occasion,
                  text(rank_name(rank), " came for '", occasion, "' where others wait for '", job->occasion, "'"));
  job->parts[place] = std::move(part);
  if (index == 0 && job->is_complete()) {
    changed_.notify_all();
  }
  return job;
}

void GpuTeam::wait(int rank, Job& job) {
  std::unique_lock lock(mutex_);
  const auto over = [&] { return job.is_enqueued || failure_; };
  if (!changed_.wait_for(lock, timeout_, over)) {
    throw RanksMissing(text(rank_name(rank), " waited ", format_duration(timeout_.count()), " for ", absent_ranks(job),
                            " (", job.occasion, ")"),
                       "give slow steps more time with --watchdog SECONDS");
  }
  if (!job.is_enqueued) {
    throw_failure();
  }
  enqueuer_->follow(*job.parts[static_cast<std::size_t>(rank)]);
}

void GpuTeam::abandon(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (!failure_) {
    failure_ = Failure{nullptr, reason};
    changed_.notify_all();
  }
}

void GpuTeam::enqueue_jobs(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto has_work = [&] { return !open_.empty() && open_.front()->is_complete(); };
  while (changed_.wait(lock, stop, has_work)) {
    const std::shared_ptr<Job> job = open_.front();
    lock.unlock();  // a complete job is changed by nobody else
    std::optional<Failure> failure;
    try {
      enqueuer_->enqueue(*job);
    } catch (const std::exception&) {
      failure = current_failure(job->occasion);
    }
    lock.lock();
    if (failure) {
      failure_ = failure_.value_or(*failure);  // after a failure of a rank it is hardly more than its consequence
      changed_.notify_all();
      return;
    }
    job->is_enqueued = true;
    open_.pop_front();
    ++enqueued_;
    changed_.notify_all();
  }
}

void GpuTeam::throw_failure() {
  if (failure_->error) {
    std::rethrow_exception(std::exchange(failure_->error, nullptr));
  }
  throw PeerFailed(failure_->words);
}

std::string GpuTeam::absent_ranks(const Job& job) const {
  std::string absent;
  for (int rank = 0; rank < ranks_; ++rank) {
    if (!job.parts[static_cast<std::size_t>(rank)]) {
      absent += text(absent.empty() ? "" : ", ", rank_name(rank), ", which is at: ", read_probe(rank_name(rank)));
    }
  }
  // All have come, but to a job behind one that is not complete, or the driver does not come back.
  return absent.empty() ? "the communication thread" : absent;
}

}  // namespace lockstep::parallel
