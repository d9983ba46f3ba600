#include "lockstep/tune/diagnose.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/time_account.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/train/algorithms.h"
#include "lockstep/train/planted_faults.h"
#include "lockstep/tune/canned_task.h"
#include "lockstep/tune/core/warm_samples.h"

namespace lockstep::tune {
namespace {

constexpr std::size_t kCannedSamples = 16;

/// The options as far as they matter for the speed: one long stage, in which everything is trained.
train::TrainOptions for_measuring(train::TrainOptions options) {
  constexpr std::int64_t kEndless = 100'000;
  options.epochs = kEndless;
  options.batch_size = options.stage2_batch_size.value_or(options.batch_size);
  options.stage2_batch_size.reset();
  options.stage2_learning_rate.reset();
  options.stage1_epochs = 0;
  options.skip_stage1 = false;
  options.progressive_unfreeze = false;
  options.target.clear();
  return options;
}

train::TrainOptions with_batch(train::TrainOptions options, std::int64_t batch_size) {
  options.batch_size = batch_size;
  options.accumulation_steps = 1;
  options.global_batch.reset();
  return options;
}

/// All that is measured, one after the other.
class Examination {
 public:
  Examination(const tasks::Task& task, const train::TrainOptions& options, const DiagnoseOptions& asked,
              data::BadSamples& bad_samples)
      : task_(task),
        options_(for_measuring(options)),
        asked_(asked),
        bad_samples_(bad_samples),
        world_(parallel::parse_devices(options.devices)),
        cores_(parallel::available_cores()),
        resources_(train::share_cores(world_, cores_, options_, /*threads_of_run=*/0)),
        canned_(make_canned_task(task, kCannedSamples, options.seed, &bad_samples)) {}

  Diagnosis run() {
    Diagnosis diagnosis;
    measure_loads(diagnosis);
    fit_batch();
    log::info("steps of all ranks, their data at hand …");
    diagnosis.at_hand = measure_steps(world_, plan_of(*canned_, options_), resources_, share(0.1));
    find_step_costs(diagnosis);
    if (world_.size > 1) {
      log::info("each rank alone …");
      diagnosis.findings.seconds_alone = measure_ranks_alone(world_, plan_of(*canned_, options_), resources_);
      diagnosis.findings.device_flags = devices_without_slowest(diagnosis.findings.seconds_alone);
    }
    try_larger_batches(diagnosis);
    if (asked_.cache && is_held_back_by_loading(diagnosis.findings)) {
      measure_cache(*asked_.cache, diagnosis);
    }
    log::info("the whole loop …");
    diagnosis.loop = measure_loop(options_, resources_, share(0.2));
    diagnosis.findings.samples_per_second = diagnosis.loop.samples_per_second();
    diagnosis.setting = describe();
    try_changes(diagnosis.findings);
    diagnosis.verdict = judge(diagnosis.findings);
    return diagnosis;
  }

 private:
  Seconds share(double part) const { return Seconds(part * asked_.seconds); }

  train::Plan plan_of(const tasks::Task& task, const train::TrainOptions& options) const {
    train::Plan plan{task, options};
    plan.stages = train::plan_stages(options, task, world_.size);
    plan.precision = train::choose_precision(options.precision, world_.devices.front());
    plan.memory_format = train::choose_memory_format(options.memory_format);
    plan.bad_samples = &bad_samples_;
    return plan;
  }

  /// By threads that load what was not loaded yet.
  LoadMeasurement measure_load(int threads) {
    const LoadMeasurement measured =
        measure_loading(task_.training_set(), threads, share(0.06), options_.seed, next_position_, &bad_samples_);
    next_position_ += static_cast<std::uint64_t>(measured.samples);
    return measured;
  }

  /// The same for steps with everything.
  StepMeasurement measure_loop(const train::TrainOptions& options, const train::Resources& resources,
                               Seconds duration) {
    StepMeasurement measured = measure_steps(world_, plan_of(task_, options), resources, duration, next_position_);
    next_position_ = measured.end_position;
    return measured;
  }

  void measure_loads(Diagnosis& diagnosis) {
    log::info("loading samples, and nothing else …");
    diagnosis.one_thread = measure_load(1);
    diagnosis.all_cores = cores_ > 1 ? measure_load(cores_) : diagnosis.one_thread;
    Findings& findings = diagnosis.findings;
    findings.load = costs_of(diagnosis.one_thread, diagnosis.all_cores);
    for (const auto& [work, time] : diagnosis.one_thread.work) {
      findings.load_shares[work] = diagnosis.one_thread.share(work);
    }
  }

  static bool is_held_back_by_loading(const Findings& findings) {
    return predict(findings.load, findings.step, findings.setting).limit != Limit::kRanks;
  }

  /// What is there from the second epoch on.
  void measure_cache(const CachedSamples& cache, Diagnosis& diagnosis) {
    log::info("loading from a cache in memory …");
    const auto warm = std::make_shared<WarmSamples>(cache.samples, options_.seed, cores_, share(0.06));
    next_position_ = std::max<std::uint64_t>(next_position_, warm->kept());
    diagnosis.cached_one_thread = measure_loading(*warm, 1, share(0.03), options_.seed, 0);
    diagnosis.cached_all_cores =
        cores_ > 1 ? measure_loading(*warm, cores_, share(0.03), options_.seed, 0) : diagnosis.cached_one_thread;
    const std::uint64_t bytes_per_sample = cache.pixels.used() / warm->kept();
    diagnosis.findings.cache = {costs_of(*diagnosis.cached_one_thread, *diagnosis.cached_all_cores),
                                bytes_per_sample * warm->size(), cache.pixels.limit()};
    warm_ = make_task_with(task_, warm);
  }

  /// Steps that would take too long are made with fewer samples. A step has costs whatever its size, and others for
  /// each of its samples: two sizes tell them apart.
  void fit_batch() {
    constexpr std::int64_t kSeveral = 4;
    const double most = share(0.04).count();
    const double one = pilot(1);
    longest_batch_ = std::max<std::int64_t>(1, std::llround(most / one));
    const train::Stage stage = plan_of(*canned_, options_).stages.back();
    const std::int64_t asked = options_.batch_size * static_cast<std::int64_t>(stage.batches.accumulation_steps());
    if (asked <= longest_batch_) {
      return;
    }
    const std::int64_t several = std::clamp<std::int64_t>(longest_batch_, 2, kSeveral);
    const double each = (pilot(several) - one) / static_cast<double>(several - 1);
    longest_batch_ = each > 0 ? std::max<std::int64_t>(1, std::llround(1 + (most - one) / each)) : asked;
    if (asked > longest_batch_) {
      const std::int64_t fitting = std::min(options_.batch_size, longest_batch_);
      log::info(text("steps are slow here: they are measured with ", fitting, " samples a rank"));
      options_ = with_batch(options_, fitting);
    }
  }

  /// Seconds of a step with so many samples a rank.
  double pilot(std::int64_t batch_size) const {
    const train::Plan plan = plan_of(*canned_, with_batch(options_, batch_size));
    return measure_steps(world_, plan, resources_, share(0.02)).seconds_per_step();
  }

  void find_step_costs(Diagnosis& diagnosis) const {
    const StepMeasurement& measured = diagnosis.at_hand;
    Findings& findings = diagnosis.findings;
    findings.setting = {cores_, resources_.decode_threads, measured.samples_per_step()};
    findings.batch_size = options_.batch_size;
    findings.size_flag = task_.size_flag();
    findings.step = {measured.seconds_per_step(), measured.busy_cores};
    findings.threads_per_rank = resources_.threads_per_rank;
    for (const observe::PartSeconds& of_rank : measured.of_ranks) {
      findings.busy_seconds.push_back(measured.busy_seconds(of_rank));
    }
    const bool by_rule = world_.devices.front().is_cpu() && !options_.threads_per_rank;
    findings.ranks_by_rule = by_rule ? world_.size : 0;
  }

  /// Doubles the batch as long as that makes the ranks faster, and fits into the memory, the time and the training set.
  void try_larger_batches(Diagnosis& diagnosis) const {
    constexpr double kFaster = 1.05;
    constexpr std::int64_t kMostTimes = 16;
    double before = diagnosis.at_hand.samples_per_second();
    const auto most = std::min(longest_batch_, static_cast<std::int64_t>(task_.training_set().size()) / world_.size);
    for (std::int64_t batch = 2 * options_.batch_size; batch <= std::min(most, kMostTimes * options_.batch_size);
         batch *= 2) {
      log::info(text("steps with a batch of ", batch, " …"));
      const double rate = try_batch(batch);
      if (rate < kFaster * before) {
        return;
      }
      diagnosis.findings.batches.push_back({batch, rate});
      before = rate;
    }
  }

  /// Samples a second, their data at hand; 0 where the machine, which could do it with a smaller batch, has not enough
  /// memory.
  double try_batch(std::int64_t batch) const {
    const train::TrainOptions options = with_batch(options_, batch);
    try {
      return measure_steps(world_, plan_of(*canned_, options), resources_, share(0.05)).samples_per_second();
    } catch (const MachineError& error) {
      log::info(text("a batch of ", batch, " is too large: ", error.what()));
      return 0;
    }
  }

  /// The whole loop with each change of a flag that the model would recommend.
  void try_changes(Findings& findings) {
    for (const Change& change : judge(findings).changes) {
      if (!change.flag.empty()) {
        log::info(text("the whole loop with ", change.flag, " ", change.value, " …"));
        findings.tried[change.flag] = try_change(change);
      }
    }
  }

  double try_change(const Change& change) {
    train::TrainOptions options = options_;
    if (change.flag == "--cache") {
      return measure_steps(world_, plan_of(*warm_, options), resources_, share(0.12)).samples_per_second();
    }
    if (change.flag == "--num-workers") {
      options.num_workers = std::stoll(change.value);
    } else {
      LOCKSTEP_ASSERT(change.flag == "--batch-size", "no other flag is recommended");
      options = with_batch(options_, std::stoll(change.value));
    }
    const train::Resources resources = train::share_cores(world_, cores_, options, /*threads_of_run=*/0);
    return measure_loop(options, resources, share(0.12)).samples_per_second();
  }

  std::string devices_without_slowest(const std::vector<double>& seconds) const {
    const auto slowest = std::ranges::max_element(seconds) - seconds.begin();
    if (world_.devices.front().is_cpu()) {
      return text("cpu:", world_.size - 1);
    }
    std::string others;
    for (std::size_t rank = 0; rank < world_.devices.size(); ++rank) {
      if (static_cast<std::ptrdiff_t>(rank) != slowest) {
        others += (others.empty() ? "" : ",") + world_.devices[rank].str();
      }
    }
    return others;
  }

  std::string describe() const {
    return text(task_.training_set().size(), " training samples; ", world_.describe(), ", ", cores_, " cores; ",
                resources_.decode_threads, resources_.decode_threads == 1 ? " decode thread, " : " decode threads, ",
                resources_.threads_per_rank, resources_.threads_per_rank == 1 ? " thread" : " threads",
                " a rank; batch ", options_.batch_size, ", ",
                train::choose_precision(options_.precision, world_.devices.front()).name);
  }

  const tasks::Task& task_;
  train::TrainOptions options_;
  DiagnoseOptions asked_;
  data::BadSamples& bad_samples_;
  parallel::World world_;
  int cores_;
  train::Resources resources_;
  std::unique_ptr<tasks::Task> canned_;
  std::unique_ptr<tasks::Task> warm_;  ///< with some samples in a cache, which stand for all; null: not measured
  std::int64_t longest_batch_ = 1;     ///< samples a rank in a step that is not too long to be measured
  std::uint64_t next_position_ = 0;    ///< of the training order, from which on nothing was loaded yet
};

}  // namespace

Diagnosis diagnose(const tasks::Task& task, const train::TrainOptions& options, const DiagnoseOptions& asked) {
  options.validate();
  train::allow_algorithms(options);
  train::plant_slow_disk(options);
  data::BadSamples bad_samples(static_cast<std::size_t>(options.max_bad_samples));
  return Examination(task, options, asked, bad_samples).run();
}

}  // namespace lockstep::tune
