// Whole steps of the engine: data out of memory, forward, backward, sum, agreement, clip, AdamW.
//
// usage: bench_step NETWORK SIDE BATCH RANKS PRECISION

#include <torch/torch.h>

#include <cstdlib>
#include <limits>

#include "benchmarks/protocol.h"
#include "lockstep/nn/autocast.h"
#include "lockstep/optim/loss_scaler.h"
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
  Setting(const std::string& network, std::int64_t side, std::int64_t batch, int ranks, const std::string& precision)
      : options(options_for(batch)),
        samples(kStepsPerEpoch * static_cast<std::uint64_t>(batch) * static_cast<std::uint64_t>(ranks)),
        task(parity::make_task({network, /*seed=*/1, samples, side})),
        plan{*task, options, train::plan_stages(options, *task, ranks), train::choose_precision(precision, c10::kCPU)} {
  }

  static train::TrainOptions options_for(std::int64_t batch) {
    train::TrainOptions options;
    options.batch_size = batch;
    options.epochs = kEpochs;
    options.schedule.learning_rate = 1e-4;
    return options;
  }

  train::TrainOptions options;
  std::uint64_t samples;
  std::unique_ptr<tasks::Task> task;
  train::Plan plan;
};

class WholeStep {
 public:
  WholeStep(parallel::Rank& rank, const Setting& setting, data::Loader& loader)
      : device_(rank.device),
        plan_(setting.plan),
        replica_(*setting.task, setting.options, rank),
        step_(rank, replica_, loader, setting.plan),
        batch_(data::load_batch(setting.task->training_set(),
                                std::vector<data::Draw>(static_cast<std::size_t>(setting.options.batch_size)))) {
    state_.loss_scaler = optim::LossScaler({}).state();
  }

  Figures run_round() {
    const double step = median_milliseconds(kSteps, [&] { run_step(); });
    const double alone = median_milliseconds(kSteps, [&] { run_forward_backward(); });
    return {{"step_ms", step},
            {"forward_backward_ms", alone},
            {"samples_per_second", static_cast<double>(stage().batches.global_batch) / step * 1e3}};
  }

 private:
  const train::Stage& stage() const { return plan_.stages.front(); }

  void run_step() {
    replica_.enter(stage(), state_.epoch, state_.step_in_epoch);
    step_.run(stage(), state_, {});
    replica_.follow_landing_order();
    step_.timer().end_step();
    ++state_.step;
    ++state_.step_in_epoch;
    if (state_.step_in_epoch == static_cast<std::int64_t>(kStepsPerEpoch)) {
      ++state_.epoch;
      state_.step_in_epoch = 0;
    }
  }

  void run_forward_backward() {
    tasks::DeviceBatch on_device = train::to_device(batch_, device_);
    replica_.model().prepare(on_device);
    replica_.arena().begin_step();
    at::Tensor losses;
    {
      const nn::AutocastScope autocast(device_.type(), plan_.precision.autocast_type());
      losses = replica_.model().losses(on_device);
    }
    losses.mean().backward();
  }

  c10::Device device_;
  const train::Plan& plan_;
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
  const benchmarks::Setting setting(arguments[1], std::atoll(arguments[2]), std::atoll(arguments[3]), ranks,
                                    arguments[5]);
  if (ranks == 1) {
    benchmarks::stay_on_core(0);  // with the thread that decodes, which would else have a core to itself
  }
  data::DecodePool pool(1);
  data::Loader loader(pool, setting.task->training_set(), train::run_plan(setting.plan.stages), {});
  benchmarks::serve_ranks(ranks, [&](parallel::Rank& rank) {
    const auto step = std::make_shared<benchmarks::WholeStep>(rank, setting, loader);
    return [step] { return step->run_round(); };
  });
}
