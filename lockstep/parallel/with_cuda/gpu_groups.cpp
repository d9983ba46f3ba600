#include "lockstep/parallel/gpu_groups.h"

#include <ATen/ATen.h>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/thread_group.h"
#include "lockstep/parallel/with_cuda/enqueuers.h"

namespace lockstep::parallel {
namespace {

/// Submits the sum of a buffer as soon as it and those before it are ready: in the same order on all ranks.
class GpuReduction : public Reduction {
 public:
  GpuReduction(int rank, std::shared_ptr<GpuTeam> team, std::vector<at::Tensor> buffers)
      : rank_(rank), team_(std::move(team)), buffers_(std::move(buffers)), ready_(buffers_.size()) {}

  void begin() override {
    const std::lock_guard lock(mutex_);
    ready_.clear();
    ready_.resize(buffers_.size());
    jobs_.clear();
  }

  void ready(std::size_t buffer) override {
    const std::lock_guard lock(mutex_);
    // A buffer that has to wait for its turn may be submitted from the stream of another one's last gradient.
    LOCKSTEP_ASSERT(!ready_.at(buffer), "a buffer became ready twice");
    ready_[buffer] = std::make_unique<at::cuda::CUDAEvent>();
    const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream(buffers_[buffer].device().index());
    ready_[buffer]->record(stream);
    while (jobs_.size() < buffers_.size() && ready_[jobs_.size()]) {
      const std::size_t next = jobs_.size();
      ready_[next]->block(stream);
      jobs_.push_back(team_->submit(rank_, Job::Kind::kSum, 0, buffers_[next], text("all-reduce of bucket ", next)));
    }
  }

  void wait() override {
    const ProbeScope probe("all-reduce of gradients");
    const std::lock_guard lock(mutex_);
    LOCKSTEP_ASSERT(jobs_.size() == buffers_.size(), "a buffer is not ready");
    for (const std::shared_ptr<Job>& job : jobs_) {
      team_->wait(rank_, *job);
    }
  }

  std::int64_t bytes_under_way() const override {
    const std::lock_guard lock(mutex_);
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      bytes += static_cast<std::int64_t>(buffers_[i].nbytes());
    }
    return bytes;
  }

 private:
  int rank_;
  std::shared_ptr<GpuTeam> team_;
  std::vector<at::Tensor> buffers_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<at::cuda::CUDAEvent>> ready_;
  std::vector<std::shared_ptr<Job>> jobs_;  ///< of the first buffers
};

/// Tensors on the GPUs go through the team; what is on the host goes through shared memory.
class GpuGroup : public Group {
 public:
  GpuGroup(std::shared_ptr<GpuTeam> team, std::unique_ptr<Group> host)
      : team_(std::move(team)), host_(std::move(host)) {}

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  void all_reduce(const at::Tensor& tensor) override {
    if (tensor.is_cpu()) {
      host_->all_reduce(tensor);
    } else {
      run(Job::Kind::kSum, 0, tensor, "all-reduce");
    }
  }

  void broadcast(const at::Tensor& tensor, int root) override {
    if (tensor.is_cpu()) {
      host_->broadcast(tensor, root);
    } else {
      run(Job::Kind::kBroadcast, root, tensor, "broadcast");
    }
  }

  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    return host_->all_gather(bytes);
  }

  std::unique_ptr<Reduction> make_reduction(std::vector<at::Tensor> buffers) override {
    return std::make_unique<GpuReduction>(rank(), team_, std::move(buffers));
  }

  void barrier() override { host_->barrier(); }

  std::unique_ptr<Group> make_twin() override {
    throw UsageError("--sync-bn does not go with several GPUs in one process", "add --ranks process");
  }

  void abandon(const std::string& reason) override {
    team_->abandon(reason);
    host_->abandon(reason);
  }

 private:
  void run(Job::Kind kind, int root, const at::Tensor& tensor, const char* occasion) {
    const ProbeScope probe(occasion);
    const std::shared_ptr<Job> job = team_->submit(rank(), kind, root, tensor, occasion);
    team_->wait(rank(), *job);
  }

  std::shared_ptr<GpuTeam> team_;
  std::unique_ptr<Group> host_;
};

std::vector<std::unique_ptr<Group>> make_groups(int ranks, Seconds timeout, std::unique_ptr<Enqueuer> enqueuer) {
  const auto team = std::make_shared<GpuTeam>(ranks, timeout, std::move(enqueuer));
  std::vector<std::unique_ptr<Group>> groups;
  for (std::unique_ptr<Group>& host : make_thread_groups(ranks, timeout)) {
    groups.push_back(std::make_unique<GpuGroup>(team, std::move(host)));
  }
  return groups;
}

}  // namespace

std::vector<std::unique_ptr<Group>> make_nccl_groups(const std::vector<c10::Device>& devices, Seconds timeout) {
  return make_groups(static_cast<int>(devices.size()), timeout, make_nccl_enqueuer(devices));
}

std::vector<std::unique_ptr<Group>> make_shared_gpu_groups(const std::vector<c10::Device>& devices, Seconds timeout) {
  return make_groups(static_cast<int>(devices.size()), timeout, make_shared_gpu_enqueuer(devices.at(0)));
}

}  // namespace lockstep::parallel
