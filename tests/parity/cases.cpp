#include "tests/parity/cases.h"

#include <cstdlib>
#include <ostream>

#include "lockstep/base/text.h"

namespace lockstep::parity {
namespace {

constexpr double kDecay = 0.88;  // of averages; with the warm-up it is reached after 24 steps

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  return std::stoll(from_environment(name, std::to_string(otherwise)));
}

/// What "several ranks" are.
int several() { return static_cast<int>(from_environment("LOCKSTEP_PARITY_RANKS", 2)); }

std::string on(int ranks) { return ranks == 1 ? "OneRank" : "SeveralRanks"; }

/// AdamW under one-cycle, which moves Adam's beta1 too. Evaluated at the end only.
Case make(const std::string& name, int ranks, std::int64_t accumulation = 1) {
  Case one;
  one.name = name;
  one.network = from_environment("LOCKSTEP_PARITY_NETWORK", one.network);
  one.ranks = ranks;
  one.options.devices = text("cpu:", ranks);
  one.options.seed = static_cast<std::uint64_t>(from_environment("LOCKSTEP_PARITY_SEED", 1));
  one.options.batch_size = from_environment("LOCKSTEP_PARITY_BATCH", 4);
  one.options.accumulation_steps = accumulation;
  one.options.epochs = kSteps / one.steps_per_epoch;
  one.options.evaluate_every = one.options.epochs;
  one.options.precision = "fp32";
  one.options.threads_per_rank = 1;
  one.options.num_workers = 1;
  one.options.clip_norm = 0;
  return one;
}

void add_batches(std::vector<Case>& cases) {
  for (const int ranks : {1, several()}) {
    for (const std::int64_t accumulation : {1, 3}) {
      cases.push_back(make(text(on(ranks), "Accumulation", accumulation), ranks, accumulation));
    }
  }
}

void add_real_network(std::vector<Case>& cases) {
  const std::string network = from_environment("LOCKSTEP_PARITY_NETWORK", "edgenext_xx_small");
  for (const int ranks : {1, several()}) {
    Case one = make(text("EdgeNeXt", on(ranks)), ranks);
    one.network = network;
    one.options.clip_norm = 1;
    cases.push_back(one);
  }
}

void add_clipping(std::vector<Case>& cases) {
  Case one = make("Clipping", several());
  one.options.clip_norm = 0.1;  // reached in every step
  cases.push_back(one);
}

void add_optimizers(std::vector<Case>& cases) {
  Case adam = make("Adam", several());
  adam.options.optimizer = "adam";
  adam.options.weight_decay = 0.1;
  cases.push_back(adam);

  Case sgd = make("SgdWithMomentum", several());  // which one-cycle moves
  sgd.options.optimizer = "sgd";
  sgd.options.schedule.learning_rate = 0.05;
  cases.push_back(sgd);

  sgd.name = "SgdWithMomentumAtConstantRate";
  sgd.options.momentum = 0.8;
  sgd.options.schedule.scheduler = "constant";
  cases.push_back(sgd);

  sgd.name = "PlainSgd";
  sgd.options.momentum = 0;
  cases.push_back(sgd);
}

void add_schedules(std::vector<Case>& cases) {
  const auto add = [&](const std::string& name, const char* scheduler, int ranks, auto settings) {
    Case one = make(name, ranks);
    one.steps_per_epoch = 5;
    one.options.epochs = kSteps / one.steps_per_epoch;
    one.options.schedule.scheduler = scheduler;
    one.options.schedule.warmup_epochs = 0.6;  // 3 steps
    settings(one.options);
    cases.push_back(one);
  };
  add("OneCycleAfterWarmUp", "onecycle", 1, [](train::TrainOptions&) {});
  add("Constant", "constant", 1, [](train::TrainOptions&) {});
  add("Cosine", "cosine", several(), [](train::TrainOptions& o) { o.schedule.min_learning_rate = 1e-5; });
  add("Restarts", "restarts", 1, [](train::TrainOptions& o) {  // after 5 and 15 steps
    o.schedule.min_learning_rate = 1e-5;
    o.schedule.restart_epochs = 1;
    o.schedule.restart_factor = 2;
  });
  add("Polynomial", "polynomial", 1, [](train::TrainOptions& o) { o.schedule.power = 0.9; });
  add("Step", "step", 1, [](train::TrainOptions& o) {
    o.schedule.step_epochs = 2;
    o.schedule.gamma = 0.3;
  });
  add("Plateau", "plateau", several(), [](train::TrainOptions& o) {
    o.evaluate_every = 1;
    o.schedule.min_learning_rate = 1e-4;
    o.schedule.plateau_factor = 0.3;
    o.schedule.plateau_patience = 0;
    o.schedule.plateau_threshold = 0.01;  // some epochs gain as much, others do not
    o.schedule.plateau_cooldown = 1;
  });
}

/// The weights move on to the end, so that the average lags behind them.
void add_averages(std::vector<Case>& cases) {
  for (const int ranks : {1, several()}) {
    Case average = make(text("Average", on(ranks)), ranks);
    average.options.schedule.scheduler = "constant";
    average.options.ema_decay = kDecay;
    average.options.ema_warmup = false;
    cases.push_back(average);

    average.name = text("AverageWithWarmUp", on(ranks));
    average.options.ema_warmup = true;
    cases.push_back(average);
  }
}

/// Twenty steps with a frozen backbone, and ten of twice the batch with all of the network.
Case two_stages(const std::string& name, int ranks, std::int64_t accumulation = 1) {
  Case one = make(name, ranks, accumulation);
  one.options.epochs = 4;
  one.options.evaluate_every = 4;
  one.options.stage1_epochs = 2;
  one.options.stage2_batch_size = 2 * one.options.batch_size;
  one.options.stage2_learning_rate = 5e-4;
  return one;
}

void add_stages(std::vector<Case>& cases) {
  for (const int ranks : {1, several()}) {
    cases.push_back(two_stages(text("TwoStages", on(ranks)), ranks));

    Case sgd = two_stages(text("TwoStagesOfSgd", on(ranks)), ranks);
    sgd.options.optimizer = "sgd";
    sgd.options.schedule.scheduler = "cosine";
    sgd.options.schedule.learning_rate = 0.05;
    sgd.options.stage2_learning_rate = 0.02;
    cases.push_back(sgd);

    Case thawing = make(text("ProgressiveUnfreeze", on(ranks)), ranks);
    thawing.steps_per_epoch = 5;
    thawing.options.epochs = 6;
    thawing.options.evaluate_every = 6;
    thawing.options.stage1_epochs = 2;
    thawing.options.progressive_unfreeze = true;
    thawing.options.ema_decay = kDecay;
    cases.push_back(thawing);
  }
}

/// What two features could get wrong about each other.
void add_all_together(std::vector<Case>& cases) {
  Case all = two_stages("AllTogether", several(), 3);
  all.options.ema_decay = kDecay;
  all.options.clip_norm = 0.1;
  cases.push_back(all);

  Case plateau = two_stages("AllTogetherOnPlateau", several(), 3);
  plateau.steps_per_epoch = 4;  // 16 steps in stage 1, 14 in stage 2
  plateau.options.epochs = 11;
  plateau.options.stage1_epochs = 4;
  plateau.options.evaluate_every = 1;
  plateau.options.ema_decay = kDecay;
  plateau.options.clip_norm = 0.1;
  plateau.options.schedule.scheduler = "plateau";
  plateau.options.schedule.warmup_epochs = 0.5;
  plateau.options.schedule.plateau_factor = 0.3;
  plateau.options.schedule.plateau_patience = 0;
  plateau.options.schedule.plateau_threshold = 0.01;
  cases.push_back(plateau);
}

/// What DistributedDataParallel would weigh wrongly.
void add_uneven_steps(std::vector<Case>& cases) {
  const auto add = [&](const std::string& name, int ranks, std::int64_t accumulation, auto samples_of_last_step) {
    Case one = make(name, ranks, accumulation);
    one.reference = Reference::kPlain;
    one.samples_of_last_step = samples_of_last_step(one);
    cases.push_back(one);
  };
  const auto more_than_half = [](const Case& one) { return one.global_batch() / 2 + 1; };
  add("UnevenLastStepOneRank", 1, 1, more_than_half);
  add("UnevenLastStepSeveralRanks", several(), 1, more_than_half);
  add("UnevenLastStepAccumulation3", several(), 3, more_than_half);
  add("RanksWithoutSamples", 4, 1, [](const Case&) { return 1; });
}

}  // namespace

std::int64_t Case::samples() const {
  const std::int64_t last = samples_of_last_step > 0 ? samples_of_last_step : global_batch();
  return (steps_per_epoch - 1) * global_batch() + last;
}

std::ostream& operator<<(std::ostream& stream, const Case& one) {
  return stream << one.name << " (" << one.network << ", " << one.ranks << " ranks, batch " << one.options.batch_size
                << ", seed " << one.options.seed << ")";
}

std::int64_t image_side() { return from_environment("LOCKSTEP_PARITY_SIDE", 64); }

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_batches(cases);
  add_real_network(cases);
  add_clipping(cases);
  add_optimizers(cases);
  add_schedules(cases);
  add_averages(cases);
  add_stages(cases);
  add_all_together(cases);
  add_uneven_steps(cases);
  return cases;
}

}  // namespace lockstep::parity
