#include "lockstep/parallel/host_routed_groups.h"

#include "lockstep/parallel/thread_group.h"

namespace lockstep::parallel {
namespace {

/// A group of threads in all but its twin.
class HostRoutedGroup : public Group {
 public:
  explicit HostRoutedGroup(std::unique_ptr<Group> host) : host_(std::move(host)) {}

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  void all_reduce(const at::Tensor& tensor) override { host_->all_reduce(tensor); }
  void broadcast(const at::Tensor& tensor, int root) override { host_->broadcast(tensor, root); }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    return host_->all_gather(bytes);
  }
  std::unique_ptr<Reduction> make_reduction(std::vector<at::Tensor> buffers) override {
    return host_->make_reduction(std::move(buffers));
  }
  void barrier() override { host_->barrier(); }
  std::unique_ptr<Group> make_twin() override { throw no_twin_on_a_shared_gpu(); }
  void abandon(const std::string& reason) override { host_->abandon(reason); }

 private:
  std::unique_ptr<Group> host_;
};

}  // namespace

std::vector<std::unique_ptr<Group>> make_host_routed_groups(int world_size, Seconds timeout) {
  std::vector<std::unique_ptr<Group>> groups;
  for (std::unique_ptr<Group>& host : make_thread_groups(world_size, timeout)) {
    groups.push_back(std::make_unique<HostRoutedGroup>(std::move(host)));
  }
  return groups;
}

UsageError no_twin_on_a_shared_gpu() {
  return UsageError("--sync-bn does not go with several ranks on one GPU",
                    "name each GPU once in --devices, and add --ranks process where there are several");
}

}  // namespace lockstep::parallel
