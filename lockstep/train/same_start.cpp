#include "lockstep/train/same_start.h"

#include <torch/torch.h>

#include <functional>
#include <span>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::train {
namespace {

/// What all ranks must begin with.
struct Start {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::int64_t samples_per_epoch = 0;
  std::int64_t global_batch = 0;
  std::uint64_t precision = 0;
  double weights = 0;
};

Start start_of(const torch::nn::Module& network, const checkpoint::State& state) {
  Start start{state.step,
              state.epoch,
              state.samples_per_epoch,
              state.global_batches.back(),
              std::hash<std::string>()(state.precision),
              0};
  for (const at::Tensor& weight : network.parameters()) {
    start.weights += weight.detach().to(at::kCPU, at::kDouble).abs().sum().item<double>();
  }
  return start;
}

}  // namespace

void check_same_start(parallel::Group& group, const torch::nn::Module& network, const checkpoint::State& state) {
  const Start own = start_of(network, state);
  const auto starts = group.all_gather(std::as_bytes(std::span(&own, 1)));
  for (std::size_t rank = 1; rank < starts.size(); ++rank) {
    if (starts[rank] != starts[0]) {
      throw UsageError(
          text(parallel::rank_name(static_cast<int>(rank)), " starts from another step or other weights than rank 0"),
          "let all machines see the same --checkpoint-dir, --pretrained, --resume-from and --dataset-path");
    }
  }
}

}  // namespace lockstep::train
