#include "tests/parity/exchange.h"

#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/data/batch_plan.h"
#include "lockstep/data/epoch_order.h"
#include "tests/parity/task.h"

namespace lockstep::parity {
namespace {

/// The samples of each pass: [step][rank][pass][sample], from the engine's own plan and order.
nlohmann::json deal_out(const Case& one) {
  data::BatchOptions batch;
  batch.per_rank_batch = static_cast<std::uint64_t>(one.options.batch_size);
  batch.accumulation_steps = static_cast<std::uint64_t>(one.options.accumulation_steps);
  const data::BatchPlan plan = data::plan_batches(batch, static_cast<std::uint64_t>(one.samples()), one.ranks);

  nlohmann::json steps = nlohmann::json::array();
  for (std::uint64_t epoch = 0; epoch < static_cast<std::uint64_t>(one.options.epochs); ++epoch) {
    const data::EpochOrder order = data::shuffled_order(one.options.seed, epoch, plan.samples_per_epoch);
    for (std::uint64_t step = 0; step < plan.steps_per_epoch(); ++step) {
      nlohmann::json ranks = nlohmann::json::array();
      for (int rank = 0; rank < one.ranks; ++rank) {
        nlohmann::json passes = nlohmann::json::array();
        for (const data::Range& range : plan.passes(step, rank)) {
          passes.push_back(std::vector<std::uint32_t>(order.begin() + static_cast<std::ptrdiff_t>(range.begin),
                                                      order.begin() + static_cast<std::ptrdiff_t>(range.end)));
        }
        ranks.push_back(std::move(passes));
      }
      steps.push_back(std::move(ranks));
    }
  }
  return steps;
}

nlohmann::json schedule_of(const train::TrainOptions& options) {
  return {{"kind", options.scheduler},
          {"learning_rate", options.learning_rate},
          {"min_learning_rate", options.min_learning_rate},
          {"warmup_steps", std::lround(options.warmup_epochs * kStepsPerEpoch)}};
}

nlohmann::json to_json(const Case& one) {
  const train::TrainOptions& options = one.options;
  const nlohmann::json stage = {
      {"frozen", ""}, {"steps", options.epochs * kStepsPerEpoch}, {"schedule", schedule_of(options)}};
  return {{"network", one.network},
          {"classes", kClasses},
          {"ranks", one.ranks},
          {"reference", one.reference == Reference::kPlain ? "plain" : "ddp"},
          {"optimizer", {{"kind", "adamw"}, {"weight_decay", options.weight_decay}}},
          {"clip_norm", options.clip_norm},
          {"stages", nlohmann::json::array({stage})},
          {"steps", deal_out(one)}};
}

std::vector<double> to_vector(const at::Tensor& values) {
  return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

}  // namespace

Weights first_weights(const Case& one, const tasks::Task& task) {
  const auto model = task.make_model(one.options.seed);
  const checkpoint::NamedTensors weights = checkpoint::named_weights(model->network());
  return {weights.begin(), weights.end()};
}

void write_case(const std::filesystem::path& folder, const Case& one, const tasks::Task& task) {
  make_directories(folder);
  write_file_atomically(folder / "case.json", to_json(one).dump());
  const Weights weights = first_weights(one, task);
  checkpoint::write_safetensors(folder / "start.safetensors", {weights.begin(), weights.end()});
  const TrainingData data = training_data(task);
  checkpoint::write_safetensors(folder / "data.safetensors", {{"images", data.images}, {"labels", data.labels}});
}

Outcome read_reference(const std::filesystem::path& folder) {
  const std::string prefix = "weights.";
  Outcome outcome;
  for (const auto& [name, tensor] : checkpoint::read_safetensors(folder / "reference.safetensors").tensors) {
    if (name == "losses") {
      outcome.losses = to_vector(tensor);
    } else if (name == "gradient_norms") {
      outcome.gradient_norms = to_vector(tensor);
    } else if (name == "learning_rates") {
      outcome.learning_rates = to_vector(tensor);
    } else if (name.starts_with(prefix)) {
      outcome.weights.emplace(name.substr(prefix.size()), tensor);
    }
  }
  return outcome;
}

}  // namespace lockstep::parity
