#include "lockstep/train/stages.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/rate_rule.h"

namespace lockstep::train {
namespace {

/// What the two stages may differ in.
struct StageOptions {
  std::string name;
  std::int64_t first_epoch;
  std::int64_t end_epoch;
  std::int64_t batch_size;
  double learning_rate;
  Backbone backbone;
};

std::vector<StageOptions> stages_asked_for(const TrainOptions& options) {
  const double rate = options.schedule.learning_rate;
  if (options.stage1_epochs == 0) {
    return {{"", 0, options.epochs, options.batch_size, rate, Backbone::kTrained}};
  }
  const Backbone second = options.progressive_unfreeze ? Backbone::kThawing : Backbone::kTrained;
  std::vector<StageOptions> stages;
  if (!options.skip_stage1) {
    stages.push_back({"stage 1", 0, options.stage1_epochs, options.batch_size, rate, Backbone::kFrozen});
  }
  if (options.stage1_epochs < options.epochs) {
    stages.push_back({"stage 2", options.stage1_epochs, options.epochs,
                      options.stage2_batch_size.value_or(options.batch_size),
                      options.stage2_learning_rate.value_or(rate), second});
  }
  return stages;
}

data::BatchPlan plan_batches_of(const TrainOptions& options, const StageOptions& stage, const RunSetting& setting,
                                std::optional<std::int64_t> global_batch_of_run) {
  data::BatchOptions batch;
  batch.per_rank_batch = static_cast<std::uint64_t>(stage.batch_size);
  if (global_batch_of_run) {
    batch.global_batch = static_cast<std::uint64_t>(*global_batch_of_run);
  } else {
    batch.accumulation_steps = static_cast<std::uint64_t>(options.accumulation_steps);
    batch.global_batch = options.global_batch;
  }
  return data::plan_batches(batch, setting.samples_per_epoch, setting.world_size);
}

}  // namespace

std::vector<Stage> plan_stages(const TrainOptions& options, const RunSetting& setting) {
  const std::vector<StageOptions> asked_for = stages_asked_for(options);
  const std::vector<std::int64_t>& global_batches = setting.global_batches;
  if (!global_batches.empty() && global_batches.size() != asked_for.size()) {
    throw UsageError(text("the number of stages of the run that is resumed is ", global_batches.size(),
                          ", and --stage1-epochs with --skip-stage1 asks for ", asked_for.size()),
                     "give the options of that run");
  }
  std::vector<Stage> stages;
  std::int64_t first_step = 0;
  for (std::size_t i = 0; i < asked_for.size(); ++i) {
    const StageOptions& stage = asked_for[i];
    const auto global_batch = global_batches.empty() ? std::nullopt : std::optional(global_batches[i]);
    const data::BatchPlan batches = plan_batches_of(options, stage, setting, global_batch);
    const std::int64_t epochs = stage.end_epoch - stage.first_epoch;
    const optim::RateSetting rate{stage.learning_rate, static_cast<std::int64_t>(batches.global_batch),
                                  setting.deep_supervision};
    const optim::Schedule schedule(optim::in_steps(options.schedule, epochs,
                                                   static_cast<std::int64_t>(batches.steps_per_epoch()),
                                                   optim::scaled_rate(options.schedule, rate)));
    stages.push_back({stage.name, stage.first_epoch, stage.end_epoch, first_step, batches, schedule, stage.backbone,
                      optim::describe_rate(options.schedule, rate)});
    first_step += stages.back().steps();
  }
  return stages;
}

std::vector<Stage> plan_stages(const TrainOptions& options, const tasks::Task& task, int world_size) {
  return plan_stages(options, {task.training_set().size(), world_size, task.has_deep_supervision()});
}

const Stage& stage_of(const std::vector<Stage>& stages, std::int64_t epoch) {
  const auto found = std::ranges::find_if(stages, [&](const Stage& stage) { return epoch < stage.end_epoch; });
  return found == stages.end() ? stages.back() : *found;
}

data::RunPlan run_plan(const std::vector<Stage>& stages) {
  data::RunPlan plan(stages.front().batches);
  for (const Stage& stage : stages) {
    plan.change(static_cast<std::uint64_t>(stage.first_epoch), stage.batches);
  }
  return plan;
}

std::int64_t total_steps(const std::vector<Stage>& stages) { return stages.back().first_step + stages.back().steps(); }

std::int64_t steps_before(const std::vector<Stage>& stages, std::int64_t epoch) {
  const Stage& stage = stage_of(stages, epoch);
  return stage.first_step + (epoch - stage.first_epoch) * static_cast<std::int64_t>(stage.batches.steps_per_epoch());
}

double epochs_after(const std::vector<Stage>& stages, std::int64_t steps) {
  auto stage = stages.rbegin();
  while (stage->first_step > steps) {
    ++stage;
  }
  return static_cast<double>(stage->first_epoch) +
         static_cast<double>(steps - stage->first_step) / static_cast<double>(stage->batches.steps_per_epoch());
}

std::vector<std::string> frozen_prefixes(const Stage& stage, std::int64_t epoch, const tasks::Model& model) {
  if (stage.backbone == Backbone::kTrained) {
    return {};
  }
  const std::string backbone = model.backbone_prefix();
  if (backbone.empty()) {
    throw UsageError("--stage1-epochs: the network of this task has no backbone that could be frozen",
                     "leave out --stage1-epochs");
  }
  if (stage.backbone == Backbone::kFrozen) {
    return {backbone};
  }
  // The deepest part is thawed at once, the shallowest at half of the stage.
  std::vector<std::string> frozen;
  const std::vector<std::string> parts = model.backbone_stages();
  const auto waits = static_cast<std::int64_t>(parts.size()) - 1;
  for (std::int64_t i = 1; i <= waits; ++i) {
    const std::int64_t thaws_at = stage.first_epoch + i * (stage.end_epoch - stage.first_epoch) / (2 * waits);
    if (epoch < thaws_at) {
      frozen.push_back(parts[static_cast<std::size_t>(i)]);
    }
  }
  return frozen;
}

}  // namespace lockstep::train
