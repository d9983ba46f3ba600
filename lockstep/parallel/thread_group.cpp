#include "lockstep/parallel/thread_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/core/shared_reduction.h"
#include "lockstep/parallel/core/shared_sum.h"

namespace lockstep::parallel {
namespace {

/// A reduction in shared memory, with the buffers of all ranks: a rank that is late may still come to one that has
/// left.
struct SharedBuffers {
  SharedBuffers(Rendezvous& rendezvous, const std::vector<std::size_t>& counts)
      : reduction(rendezvous, counts), tensors(static_cast<std::size_t>(rendezvous.world_size())) {}

  SharedReduction reduction;
  std::vector<std::vector<at::Tensor>> tensors;  ///< by rank
};

/// What the ranks lay open for each other between two meetings, one entry a rank.
struct Table {
  Table(int world_size, Seconds timeout)
      : rendezvous(world_size, timeout),
        buffers(static_cast<std::size_t>(world_size)),
        bytes(static_cast<std::size_t>(world_size)) {}

  Rendezvous rendezvous;
  std::vector<void*> buffers;
  std::vector<std::span<const std::byte>> bytes;
  std::shared_ptr<SharedBuffers> buffers_of_reduction;  ///< of the one that was made last
  std::vector<at::Tensor> lent;                         ///< by the first rank
  std::mutex twins_mutex;
  std::vector<std::shared_ptr<Table>> twins;
};

template <typename T>
void sum_own_share(const std::vector<void*>& buffers, std::size_t count, std::size_t rank) {
  std::vector<T*> typed;
  for (void* buffer : buffers) {
    typed.push_back(static_cast<T*>(buffer));
  }
  sum_share<T>(typed, share_of(count, rank, buffers.size()));
}

/// One rank's part of a reduction in shared memory.
class ThreadReduction : public Reduction {
 public:
  ThreadReduction(int rank, std::shared_ptr<SharedBuffers> shared) : rank_(rank), shared_(std::move(shared)) {}

  void begin() override { shared_->reduction.begin(rank_); }
  void ready(std::size_t buffer) override { shared_->reduction.ready(rank_, buffer); }
  void wait() override { shared_->reduction.wait(rank_); }
  std::int64_t bytes_under_way() const override { return shared_->reduction.bytes_under_way(rank_); }

 private:
  int rank_;
  std::shared_ptr<SharedBuffers> shared_;
};

/// For buffers on other devices: sums everything at the end of the step.
class LateReduction : public Reduction {
 public:
  LateReduction(Group& group, std::vector<at::Tensor> buffers) : group_(group), buffers_(std::move(buffers)) {}

  void begin() override {}
  void ready(std::size_t) override {}
  std::int64_t bytes_under_way() const override { return 0; }
  void wait() override {
    for (const at::Tensor& buffer : buffers_) {
      group_.all_reduce(buffer);
    }
  }

 private:
  Group& group_;
  std::vector<at::Tensor> buffers_;
};

class ThreadGroup : public Group {
 public:
  ThreadGroup(int rank, std::shared_ptr<Table> table) : rank_(rank), table_(std::move(table)) {}

  int rank() const override { return rank_; }
  int size() const override { return table_->rendezvous.world_size(); }

  void all_reduce(const at::Tensor& tensor) override {
    if (size() == 1) {
      return;
    }
    const ProbeScope probe("all-reduce");
    with_host_copy(tensor, [&](const at::Tensor& host) {
      own(table_->buffers) = host.data_ptr();
      table_->rendezvous.meet(rank_, "all-reduce");
      const auto count = static_cast<std::size_t>(host.numel());
      const auto index = static_cast<std::size_t>(rank_);
      switch (host.scalar_type()) {
        case at::kFloat:
          sum_own_share<float>(table_->buffers, count, index);
          break;
        case at::kDouble:
          sum_own_share<double>(table_->buffers, count, index);
          break;
        case at::kLong:
          sum_own_share<std::int64_t>(table_->buffers, count, index);
          break;
        default:
          LOCKSTEP_ASSERT(false, "all-reduce of this dtype");
      }
      table_->rendezvous.meet(rank_, "end of all-reduce");
    });
  }

  void broadcast(const at::Tensor& tensor, int root) override {
    if (size() == 1) {
      return;
    }
    const ProbeScope probe("broadcast");
    with_host_copy(tensor, [&](const at::Tensor& host) {
      own(table_->buffers) = host.data_ptr();
      table_->rendezvous.meet(rank_, "broadcast");
      if (rank_ != root) {
        const auto* source = static_cast<const std::byte*>(table_->buffers[static_cast<std::size_t>(root)]);
        std::copy_n(source, host.nbytes(), static_cast<std::byte*>(host.data_ptr()));
      }
      table_->rendezvous.meet(rank_, "end of broadcast");
    });
  }

  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> bytes) override {
    const ProbeScope probe("all-gather");
    own(table_->bytes) = bytes;
    table_->rendezvous.meet(rank_, "all-gather");
    std::vector<std::vector<std::byte>> gathered;
    for (const auto& part : table_->bytes) {
      gathered.emplace_back(part.begin(), part.end());
    }
    table_->rendezvous.meet(rank_, "end of all-gather");
    return gathered;
  }

  std::unique_ptr<Reduction> make_reduction(std::vector<at::Tensor> buffers) override {
    if (!buffers.front().is_cpu()) {
      return std::make_unique<LateReduction>(*this, std::move(buffers));
    }
    std::vector<float*> addresses;
    std::vector<std::size_t> counts;
    for (const at::Tensor& buffer : buffers) {
      LOCKSTEP_ASSERT(buffer.is_contiguous() && buffer.scalar_type() == at::kFloat, "a buffer that cannot be summed");
      addresses.push_back(buffer.data_ptr<float>());
      counts.push_back(static_cast<std::size_t>(buffer.numel()));
    }
    if (rank_ == 0) {
      table_->buffers_of_reduction = std::make_shared<SharedBuffers>(table_->rendezvous, counts);
    }
    table_->rendezvous.meet(rank_, "a new reduction");
    const std::shared_ptr<SharedBuffers> shared = table_->buffers_of_reduction;
    shared->reduction.lay_open(rank_, addresses);
    own(shared->tensors) = std::move(buffers);
    table_->rendezvous.meet(rank_, "the buffers of a new reduction");
    return std::make_unique<ThreadReduction>(rank_, shared);
  }

  std::vector<at::Tensor> tensors_of_first(const std::vector<at::Tensor>& own_tensors) override {
    if (size() == 1 || own_tensors.empty() || !own_tensors.front().is_cpu()) {
      return {};
    }
    if (rank_ == 0) {
      table_->lent = own_tensors;
    }
    table_->rendezvous.meet(rank_, "the first rank's tensors");
    std::vector<at::Tensor> tensors = table_->lent;
    table_->rendezvous.meet(rank_, "end of taking the first rank's tensors");
    return tensors;
  }

  void barrier() override { table_->rendezvous.meet(rank_, "barrier"); }

  std::unique_ptr<Group> make_twin() override {
    if (rank_ == 0) {
      const std::lock_guard lock(table_->twins_mutex);
      table_->twins.push_back(std::make_shared<Table>(size(), table_->rendezvous.timeout()));
    }
    table_->rendezvous.meet(rank_, "a twin of the group");
    auto twin = std::make_unique<ThreadGroup>(rank_, table_->twins.back());
    table_->rendezvous.meet(rank_, "end of making a twin of the group");
    return twin;
  }

  void abandon(const std::string& reason) override {
    table_->rendezvous.call_off(reason);
    const std::lock_guard lock(table_->twins_mutex);
    for (const auto& twin : table_->twins) {
      twin->rendezvous.call_off(reason);
    }
  }

 private:
  template <typename T>
  T& own(std::vector<T>& entries) const {
    return entries[static_cast<std::size_t>(rank_)];
  }

  template <typename Work>
  void with_host_copy(const at::Tensor& tensor, const Work& work) const {
    LOCKSTEP_ASSERT(tensor.is_contiguous(), "collectives take contiguous tensors");
    if (tensor.is_cpu()) {
      work(tensor);
      return;
    }
    const at::Tensor host = tensor.cpu();
    work(host);
    tensor.copy_(host);
  }

  int rank_;
  std::shared_ptr<Table> table_;
};

}  // namespace

std::vector<std::unique_ptr<Group>> make_thread_groups(int world_size, Seconds timeout) {
  const auto table = std::make_shared<Table>(world_size, timeout);
  std::vector<std::unique_ptr<Group>> groups;
  for (int rank = 0; rank < world_size; ++rank) {
    groups.push_back(std::make_unique<ThreadGroup>(rank, table));
  }
  return groups;
}

}  // namespace lockstep::parallel
