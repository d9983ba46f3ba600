// Whole steps of the engine: data out of memory, forward, backward, sum, agreement, clip, AdamW.
//
// usage: bench_step NETWORK SIDE BATCH RANKS

#include <torch/torch.h>

#include <cstdlib>
#include <limits>

#include "benchmarks/protocol.h"
#include "lockstep/train/device_batch.h"
#include "lockstep/train/step.h"
#include "tests/parity/task.h"

namespace lockstep::benchmarks {
namespace {

constexpr int kSteps = 5;  // a round
constexpr std::uint64_t kStepsPerEpoch = 4;
constexpr std::int64_t kEpochs = 100'000;  // more than any comparison takes

/// What the ranks share.
struct Setting {
  std::unique_ptr<tasks::Task> task;
  train::TrainOptions options;
  data::BatchPlan plan;
  optim::Schedule schedule;
};

Setting make_setting(const std::string& network, std::int64_t side, std::int64_t batch, int ranks) {
  train::TrainOptions options;
  options.batch_size = batch;
  options.learning_rate = 1e-4;
  data::BatchOptions batches;
  batches.per_rank_batch = static_cast<std::uint64_t>(batch);
  const std::uint64_t samples = kStepsPerEpoch * batches.per_rank_batch * static_cast<std::uint64_t>(ranks);
  optim::ScheduleOptions schedule;
  schedule.kind = optim::ScheduleKind::kOneCycle;
  schedule.learning_rate = options.learning_rate;
  schedule.total_steps = kEpochs * static_cast<std::int64_t>(kStepsPerEpoch);
  return {parity::make_task({network, /*seed=*/1, samples, side}), options, data::plan_batches(batches, samples, ranks),
          optim::Schedule(schedule)};
}

class WholeStep {
 public:
  WholeStep(parallel::Rank& rank, const Setting& setting, data::Loader& loader)
      : setting_(setting),
        replica_(*setting.task, setting.options, rank.device),
        step_(rank, replica_, loader, setting.plan, setting.schedule, setting.options, setting.task->training_set()),
        batch_(data::load_batch(setting.task->training_set(), std::vector<data::Draw>(setting.plan.per_rank_batch))) {}

  Figures run_round() {
    const double step = median_milliseconds(kSteps, [&] { run_step(); });
    const double alone = median_milliseconds(kSteps, [&] { run_forward_backward(); });
    return {{"step_ms", step},
            {"forward_backward_ms", alone},
            {"samples_per_second", static_cast<double>(setting_.plan.global_batch) / step * 1e3}};
  }

 private:
  void run_step() {
    step_.run(state_, /*wants_to_save=*/false);
    step_.timer().end_step();
    ++state_.step;
    ++state_.step_in_epoch;
    if (state_.step_in_epoch == static_cast<std::int64_t>(kStepsPerEpoch)) {
      ++state_.epoch;
      state_.step_in_epoch = 0;
    }
  }

  void run_forward_backward() {
    const tasks::DeviceBatch on_device = train::to_device(batch_, c10::kCPU);
    replica_.model().losses(on_device).mean().backward();
    replica_.arena().zero_gradients();
  }

  const Setting& setting_;
  train::Replica replica_;
  train::Step step_;
  data::Batch batch_;
  checkpoint::State state_;
};

}  // namespace
}  // namespace lockstep::benchmarks

int main(int, char** arguments) {
  using namespace lockstep;
  const int ranks = std::atoi(arguments[4]);
  const auto setting =
      benchmarks::make_setting(arguments[1], std::atoll(arguments[2]), std::atoll(arguments[3]), ranks);
  data::DecodePool pool(1);
  data::Loader loader(pool, setting.task->training_set(), setting.plan, {});
  benchmarks::serve_ranks(ranks, [&](parallel::Rank& rank) {
    const auto step = std::make_shared<benchmarks::WholeStep>(rank, setting, loader);
    return [step] { return step->run_round(); };
  });
}
