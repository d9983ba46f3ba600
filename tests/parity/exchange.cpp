#include "tests/parity/exchange.h"

#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/data/batch_plan.h"
#include "lockstep/data/epoch_order.h"
#include "lockstep/train/stages.h"
#include "tests/parity/task.h"

namespace lockstep::parity {
namespace {

/// The samples of each pass of an epoch: [step][rank][pass][sample], from the engine's own plan and order.
nlohmann::json deal_out(const data::BatchPlan& plan, std::uint64_t seed, std::uint64_t epoch) {
  const data::EpochOrder order = data::shuffled_order(seed, epoch, plan.samples_per_epoch);
  nlohmann::json steps = nlohmann::json::array();
  for (std::uint64_t step = 0; step < plan.steps_per_epoch(); ++step) {
    nlohmann::json ranks = nlohmann::json::array();
    for (int rank = 0; rank < plan.world_size; ++rank) {
      nlohmann::json passes = nlohmann::json::array();
      for (const data::Range& range : plan.passes(step, rank)) {
        passes.push_back(std::vector<std::uint32_t>(order.begin() + static_cast<std::ptrdiff_t>(range.begin),
                                                    order.begin() + static_cast<std::ptrdiff_t>(range.end)));
      }
      ranks.push_back(std::move(passes));
    }
    steps.push_back(std::move(ranks));
  }
  return steps;
}

/// What a schedule needs is set in its cases; what is not set, it does not need.
nlohmann::json schedule_of(const train::TrainOptions& options, const train::Stage& stage) {
  const optim::ScheduleChoice& schedule = options.schedule;
  const auto steps_per_epoch = static_cast<std::int64_t>(stage.batches.steps_per_epoch());
  const bool is_second = options.stage1_epochs > 0 && stage.first_epoch > 0;
  return {{"kind", schedule.scheduler},
          {"learning_rate",
           is_second ? options.stage2_learning_rate.value_or(schedule.learning_rate) : schedule.learning_rate},
          {"warmup_steps", std::lround(schedule.warmup_epochs * static_cast<double>(steps_per_epoch))},
          {"min_learning_rate", schedule.min_learning_rate.value_or(0)},
          {"restart_steps", schedule.restart_epochs.value_or(0) * steps_per_epoch},
          {"restart_factor", schedule.restart_factor.value_or(0)},
          {"power", schedule.power.value_or(0)},
          {"step_length", schedule.step_epochs.value_or(0) * steps_per_epoch},
          {"gamma", schedule.gamma.value_or(0)},
          {"plateau_factor", schedule.plateau_factor.value_or(0)},
          {"plateau_patience", schedule.plateau_patience.value_or(0)},
          {"plateau_threshold", schedule.plateau_threshold.value_or(0)},
          {"plateau_cooldown", schedule.plateau_cooldown.value_or(0)}};
}

/// Which epochs there are and which of their parameters are frozen is the engine's own plan, too.
nlohmann::json stages_of(const Case& one, const tasks::Task& task) {
  const train::TrainOptions& options = one.options;
  const auto model = task.make_model(options.seed);
  nlohmann::json stages = nlohmann::json::array();
  for (const train::Stage& stage : train::plan_stages(options, task, one.ranks)) {
    nlohmann::json epochs = nlohmann::json::array();
    for (std::int64_t epoch = stage.first_epoch; epoch < stage.end_epoch; ++epoch) {
      epochs.push_back({{"frozen", train::frozen_prefixes(stage, epoch, *model)},
                        {"evaluated", (epoch + 1) % options.evaluate_every == 0},
                        {"steps", deal_out(stage.batches, options.seed, static_cast<std::uint64_t>(epoch))}});
    }
    stages.push_back({{"schedule", schedule_of(options, stage)}, {"epochs", std::move(epochs)}});
  }
  return stages;
}

nlohmann::json to_json(const Case& one, const tasks::Task& task) {
  const train::TrainOptions& options = one.options;
  return {{"network", one.network},
          {"classes", kClasses},
          {"ranks", one.ranks},
          {"reference", one.reference == Reference::kPlain ? "plain" : "ddp"},
          {"optimizer",
           {{"kind", options.optimizer},
            {"weight_decay", options.weight_decay},
            {"momentum", options.momentum.value_or(0.9)}}},
          {"clip_norm", options.clip_norm},
          {"average", {{"decay", options.ema_decay}, {"warmup", options.ema_warmup}}},
          {"stages", stages_of(one, task)}};
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
  write_file_atomically(folder / "case.json", to_json(one, task).dump());
  const Weights weights = first_weights(one, task);
  checkpoint::write_safetensors(folder / "start.safetensors", {weights.begin(), weights.end()});
  const Samples training = all_samples(task.training_set());
  const Samples evaluation = all_samples(task.evaluation_set());
  checkpoint::write_safetensors(folder / "data.safetensors", {{"images", training.images},
                                                              {"labels", training.labels},
                                                              {"evaluation_images", evaluation.images},
                                                              {"evaluation_labels", evaluation.labels}});
}

Outcome read_reference(const std::filesystem::path& folder) {
  Outcome outcome;
  const std::map<std::string, std::vector<double>*> curves = {{"losses", &outcome.losses},
                                                              {"gradient_norms", &outcome.gradient_norms},
                                                              {"learning_rates", &outcome.learning_rates},
                                                              {"metrics", &outcome.metrics}};
  const std::map<std::string, Weights*> networks = {{"weights", &outcome.weights}, {"averages", &outcome.averages}};
  for (const auto& [name, tensor] : checkpoint::read_safetensors(folder / "reference.safetensors").tensors) {
    if (curves.contains(name)) {
      *curves.at(name) = to_vector(tensor);
    } else {
      const std::size_t dot = name.find('.');
      networks.at(name.substr(0, dot))->emplace(name.substr(dot + 1), tensor);
    }
  }
  return outcome;
}

}  // namespace lockstep::parity
