#include "lockstep/train/replica.h"

#include <torch/torch.h>

#include "lockstep/checkpoint/weights.h"

namespace lockstep::train {
namespace {

constexpr std::int64_t kBucketBytes = 8 << 20;

enum OptionGroup : int { kDecayed = 0, kNotDecayed = 1 };

/// Weight decay is for matrices and filters; pulling biases, norms and scales to zero only hurts.
OptionGroup option_group(const at::Tensor& parameter) { return parameter.dim() > 1 ? kDecayed : kNotDecayed; }

std::vector<parallel::ArenaParameter> trainable_parameters(const torch::nn::Module& network) {
  std::vector<parallel::ArenaParameter> parameters;
  for (const auto& item : network.named_parameters()) {
    if (item.value().requires_grad()) {
      parameters.push_back({item.key(), item.value(), option_group(item.value())});
    }
  }
  return parameters;
}

}  // namespace

Replica::Replica(const tasks::Task& task, const TrainOptions& options, c10::Device device)
    : model_(task.make_model(options.seed)) {
  model_->network().to(device);
  arena_ = std::make_unique<parallel::Arena>(trainable_parameters(model_->network()), kBucketBytes);
  optim::OptimizerOptions optimizer;
  optimizer.weight_decay = {options.weight_decay, 0.0};
  optimizer_ = std::make_unique<optim::Optimizer>(*arena_, optimizer);
}

checkpoint::Snapshot Replica::snapshot(const checkpoint::State& state) {
  return {state, checkpoint::named_weights(model_->network()), optimizer_->state()};
}

checkpoint::LoadReport Replica::load_pretrained(const std::filesystem::path& file) {
  const checkpoint::LoadOptions matching{.source = file.string(), .prefix = model_->backbone_prefix()};
  return checkpoint::load_weights(model_->network(), checkpoint::read_safetensors(file).tensors, matching);
}

void Replica::load(const checkpoint::Snapshot& snapshot) {
  const checkpoint::LoadOptions all{.source = "the snapshot", .prefix = "", .everything = true};
  checkpoint::load_weights(model_->network(), snapshot.model, all);
  optimizer_->load_state({snapshot.optimizer.begin(), snapshot.optimizer.end()}, optim::Missing::kError);
}

}  // namespace lockstep::train
