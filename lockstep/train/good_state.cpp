#include "lockstep/train/good_state.h"

#include <torch/torch.h>

#include <utility>

namespace lockstep::train {
namespace {

void take_tensors(const checkpoint::NamedTensors& from, checkpoint::NamedTensors& to) {
  const at::NoGradGuard no_grad;
  checkpoint::NamedTensors before = std::exchange(to, {});
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& [name, tensor] = from[i];
    const bool fits = i < before.size() && before[i].second.sizes() == tensor.sizes() &&
                      before[i].second.scalar_type() == tensor.scalar_type();
    to.emplace_back(name, fits ? before[i].second.copy_(tensor)
                               : tensor.detach().to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false,
                                                    /*copy=*/true));
  }
}

}  // namespace

void GoodState::take(const checkpoint::Snapshot& snapshot) {
  snapshot_.state = snapshot.state;
  take_tensors(snapshot.model, snapshot_.model);
  take_tensors(snapshot.ema, snapshot_.ema);
  take_tensors(snapshot.optimizer, snapshot_.optimizer);
}

}  // namespace lockstep::train
