#include "lockstep/checkpoint/host_copy.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace lockstep::checkpoint {
namespace {

bool fits(const at::Tensor& memory, const at::Tensor& tensor) {
  return memory.defined() && memory.scalar_type() == tensor.scalar_type() && memory.sizes() == tensor.sizes();
}

void copy_into(NamedTensors& copies, const NamedTensors& tensors) {
  copies.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const at::Tensor tensor = tensors[i].second.detach();
    auto& [name, memory] = copies[i];
    name = tensors[i].first;
    if (!fits(memory, tensor)) {
      const bool is_far = !tensor.is_cpu();
      memory = at::empty_like(tensor, tensor.options().device(at::kCPU).pinned_memory(is_far));
    }
    memory.copy_(tensor, /*non_blocking=*/true);
  }
}

/// Until copies of it are there.
void await_copies(const NamedTensors& tensors) {
  if (!tensors.empty() && !tensors.front().second.is_cpu()) {
    const c10::Device device = tensors.front().second.device();
    c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
  }
}

std::uint64_t bytes_of(const NamedTensors& tensors) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.nbytes();
  }
  return bytes;
}

}  // namespace

void HostCopy::take(const Snapshot& snapshot) {
  copy_.state = snapshot.state;
  copy_into(copy_.model, snapshot.model);
  copy_into(copy_.ema, snapshot.ema);
  copy_into(copy_.optimizer, snapshot.optimizer);
  await_copies(snapshot.model);
}

std::uint64_t HostCopy::bytes() const {
  return bytes_of(copy_.model) + bytes_of(copy_.ema) + bytes_of(copy_.optimizer);
}

}  // namespace lockstep::checkpoint
