#include "lockstep/parallel/core/shared_reduction.h"

#include "lockstep/base/probe.h"
#include "lockstep/parallel/core/shared_sum.h"

namespace lockstep::parallel {

SharedReduction::SharedReduction(Rendezvous& rendezvous, std::vector<std::size_t> counts)
    : rendezvous_(rendezvous),
      counts_(std::move(counts)),
      ranks_(static_cast<std::size_t>(rendezvous.world_size())),
      reports_(std::make_unique<std::atomic<std::uint64_t>[]>(counts_.size())) {}

void SharedReduction::lay_open(int rank, std::span<float* const> buffers) {
  LOCKSTEP_ASSERT(buffers.size() == counts_.size(), "ranks with different numbers of buffers");
  ranks_[static_cast<std::size_t>(rank)].addresses.assign(buffers.begin(), buffers.end());
}

void SharedReduction::begin(int rank) {
  Participant& own = ranks_[static_cast<std::size_t>(rank)];
  ++own.step;
  own.summed.assign(counts_.size(), false);
  own.left = counts_.size();
}

void SharedReduction::ready(int rank, std::size_t buffer) {
  reports_[buffer].fetch_add(1, std::memory_order_acq_rel);
  sum_what_is_final(rank);
}

void SharedReduction::wait(int rank) {
  // Whoever has come here has reported all of its buffers.
  rendezvous_.meet(rank, "all-reduce of the gradients");
  sum_what_is_final(rank);
  LOCKSTEP_ASSERT(ranks_[static_cast<std::size_t>(rank)].left == 0, "a rank waits for buffers that are not all ready");
  rendezvous_.meet(rank, "end of the all-reduce of the gradients");
}

std::int64_t SharedReduction::bytes_under_way(int rank) const {
  std::size_t elements = 0;
  for (std::size_t buffer = 0; buffer < counts_.size(); ++buffer) {
    elements += ranks_[static_cast<std::size_t>(rank)].summed[buffer] ? counts_[buffer] : 0;
  }
  return static_cast<std::int64_t>(elements * sizeof(float));
}

bool SharedReduction::is_final(std::size_t buffer, std::uint64_t step) const {
  return reports_[buffer].load(std::memory_order_acquire) >= step * ranks_.size();
}

void SharedReduction::sum_own_share(int rank, std::size_t buffer) {
  if (ranks_.size() == 1) {
    return;
  }
  const ProbeScope probe("all-reduce of bucket", static_cast<int>(buffer));
  std::vector<float*> everywhere;
  for (const Participant& participant : ranks_) {
    everywhere.push_back(participant.addresses[buffer]);
  }
  sum_share<float>(everywhere, share_of(counts_[buffer], static_cast<std::size_t>(rank), ranks_.size()));
}

void SharedReduction::sum_what_is_final(int rank) {
  Participant& own = ranks_[static_cast<std::size_t>(rank)];
  for (std::size_t buffer = 0; own.left > 0 && buffer < counts_.size(); ++buffer) {
    if (!own.summed[buffer] && is_final(buffer, own.step)) {
      sum_own_share(rank, buffer);
      own.summed[buffer] = true;
      --own.left;
    }
  }
}

}  // namespace lockstep::parallel
