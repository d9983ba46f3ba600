#include "lockstep/parallel/gpu_groups.h"

#include <ATen/ATen.h>
#include <c10/core/Event.h>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/cuda_module.h"
#include "lockstep/parallel/gpu_enqueuer.h"
#include "lockstep/parallel/gpu_stream.h"
#include "lockstep/parallel/gpu_team.h"
#include "lockstep/parallel/host_routed_groups.h"
#include "lockstep/parallel/ordered_reduction.h"
#include "lockstep/parallel/thread_group.h"

namespace lockstep::parallel {
namespace {

/// Submits the sums of the buffers to the team.
class GpuReduction : public OrderedReduction {
 public:
  GpuReduction(int rank, std::shared_ptr<GpuTeam> team, std::vector<at::Tensor> buffers)
      : OrderedReduction(std::move(buffers)),
        rank_(rank),
        team_(std::move(team)),
        ready_(this->buffers().size()),
        jobs_(this->buffers().size()) {}

 private:
  // A buffer that has to wait for its turn may be submitted from the stream of another one's last gradient.
  void note_ready(std::size_t buffer) override {
    const c10::Device gpu = buffers()[buffer].device();
    ready_[buffer].emplace(gpu.type()).record(current_stream(gpu));
  }

  void begin_sum(std::size_t buffer) override {
    ready_[buffer]->block(current_stream(buffers()[buffer].device()));
    jobs_[buffer] = team_->submit(rank_, Job::Kind::kSum, 0, buffers()[buffer], occasion(buffer));
  }

  void wait_for(std::size_t buffer) override { team_->wait(rank_, *jobs_[buffer]); }

  int rank_;
  std::shared_ptr<GpuTeam> team_;
  std::vector<std::optional<c10::Event>> ready_;  ///< by buffer
  std::vector<std::shared_ptr<Job>> jobs_;        ///< by buffer
};

/// Tensors on the GPUs go through the team; what is on the host goes through shared memory.
class GpuGroup : public Group {
 public:
  /// `no_twin` says why there is none.
  GpuGroup(std::shared_ptr<GpuTeam> team, std::unique_ptr<Group> host, UsageError no_twin)
      : team_(std::move(team)), host_(std::move(host)), no_twin_(std::move(no_twin)) {}

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

  std::unique_ptr<Group> make_twin() override { throw no_twin_; }

  void abandon(const std::string& reason) override {
    team_->abandon(reason);
    host_->abandon(reason);
  }

 private:
  void run(Job::Kind kind, int root, const at::Tensor& tensor, const char* occasion) {
    const MeetingScope probe(occasion);
    const std::shared_ptr<Job> job = team_->submit(rank(), kind, root, tensor, occasion);
    team_->wait(rank(), *job);
  }

  std::shared_ptr<GpuTeam> team_;
  std::unique_ptr<Group> host_;
  UsageError no_twin_;
};

std::vector<std::unique_ptr<Group>> make_groups(int ranks, Seconds timeout, std::unique_ptr<Enqueuer> enqueuer,
                                                const UsageError& no_twin) {
  const auto team = std::make_shared<GpuTeam>(ranks, timeout, std::move(enqueuer));
  std::vector<std::unique_ptr<Group>> groups;
  for (std::unique_ptr<Group>& host : make_thread_groups(ranks, timeout)) {
    groups.push_back(std::make_unique<GpuGroup>(team, std::move(host), no_twin));
  }
  return groups;
}

}  // namespace

std::vector<std::unique_ptr<Group>> make_nccl_groups(const std::vector<c10::Device>& devices, Seconds timeout) {
  return make_groups(static_cast<int>(devices.size()), timeout, cuda_module().make_nccl_enqueuer(devices),
                     UsageError("--sync-bn does not go with several GPUs in one process", "add --ranks process"));
}

std::vector<std::unique_ptr<Group>> make_shared_gpu_groups(const std::vector<c10::Device>& devices, Seconds timeout) {
  return make_groups(static_cast<int>(devices.size()), timeout, make_shared_gpu_enqueuer(devices.at(0)),
                     no_twin_on_a_shared_gpu());
}

}  // namespace lockstep::parallel
