#include "lockstep/train/trained_model.h"

#include <torch/torch.h>

#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/checkpoint/weights.h"

namespace lockstep::train {

void load_trained_weights(tasks::Model& model, const std::filesystem::path& weights, c10::Device device) {
  const checkpoint::LoadOptions all{.source = weights.string(), .prefix = "", .everything = true};
  checkpoint::load_weights(model.network(), checkpoint::read_safetensors(weights).tensors, all);
  model.network().to(device);
}

std::unique_ptr<tasks::Model> load_trained(const tasks::Task& task, const std::filesystem::path& weights,
                                           c10::Device device) {
  auto model = task.make_model(/*seed=*/std::nullopt);
  load_trained_weights(*model, weights, device);
  return model;
}

}  // namespace lockstep::train
