#include "lockstep/cli/train_options.h"

#include "lockstep/cli/schedule_options.h"

namespace lockstep::cli {
namespace {

// Larger numbers are slips of the finger.
constexpr double kMostThreads = 1024;
constexpr double kMostKept = 1000;

/// Traits of a number that must be at least `minimum`.
OptionTraits number(const std::string& group, Bound minimum, bool affects_result = true) {
  OptionTraits traits;
  traits.group = group;
  traits.minimum = minimum;
  traits.affects_result = affects_result;
  return traits;
}

/// Traits of a count from 1 to `most`.
OptionTraits count(const std::string& group, double most, bool affects_result = true) {
  OptionTraits traits = number(group, inclusive(1), affects_result);
  traits.maximum = inclusive(most);
  return traits;
}

/// A run that resumes without the option keeps what it had, so that what --autotune has chosen need not be typed.
OptionTraits kept_by_run(OptionTraits traits) {
  traits.kept_by_run = true;
  return traits;
}

/// With what another value means for a run that resumes.
OptionTraits on_resume(const std::string& meaning, OptionTraits traits) {
  traits.on_resume = meaning;
  return traits;
}

constexpr const char* kSplit = "another split of the same global batches; numbers agree up to rounding";

void add_run_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Run";
  table.add("--checkpoint-dir", options.checkpoint_dir,
            "The run folder: everything that the run makes lies in it. The same command again resumes the run there.",
            {.group = group, .placeholder = "DIR", .affects_result = false, .in_recipe = false});
  table.add("--fresh", options.fresh, "Set the run aside that is in the run folder, and begin anew.",
            {.group = group, .affects_result = false, .in_recipe = false});
  table.add(
      "--evaluate-every", options.evaluate_every, "Epochs between evaluations; the last epoch has one always.",
      on_resume("evaluated at other times; with --scheduler plateau it must stay", count(group, kMostEpochs, false)));
  table.add(
      "--time-budget", options.time_budget,
      "How long the program may run, such as 11h30m, 45m or 300 (seconds): training stops in time for what the "
      "end takes, and the same command goes on (exit code 75). How many epochs fit is said after the first steps.",
      {.group = group, .placeholder = "TIME", .affects_result = false});
  table.add("--quota", options.quota, "The same for all starts of the run together.",
            {.group = group, .placeholder = "TIME", .affects_result = false});
  table.add("--checkpoint-minutes", options.checkpoint_minutes,
            "Minutes between snapshots, besides the one at the end of every epoch.",
            number(group, exclusive(0), false));
  table.add("--keep-checkpoints", options.keep_checkpoints, "How many of the newest snapshots stay, besides the best.",
            count(group, kMostKept, false));
}

void add_batch_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Batch";
  table.add("--batch-size", options.batch_size, "Samples a GPU (or CPU rank) takes at a time.",
            on_resume(kSplit, count(group, kMostSamples, false)));
  table.add("--accumulation-steps", options.accumulation_steps,
            "How many times the GPUs take their batch before the weights are updated.",
            on_resume(kSplit, count(group, kMostSamples, false)));
  table.add("--global-batch", options.global_batch,
            "Samples before the weights are updated, over all GPUs; the accumulation then follows.",
            on_resume("must be what the run has had", count(group, kMostSamples, false)));
}

void add_optimizer_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Optimizer";
  table.add("--optimizer", options.optimizer, "What moves the weights.",
            {.group = group, .placeholder = "NAME", .allowed = {"adamw", "adam", "sgd"}});
  table.add("--momentum", options.momentum,
            "Of SGD (default: 0.9); not with --scheduler onecycle, which moves it by itself.",
            {.group = group, .minimum = inclusive(0), .maximum = exclusive(1)});
  table.add("--weight-decay", options.weight_decay, "Not on biases, norms and scales.", number(group, inclusive(0)));
  table.add("--clip-norm", options.clip_norm, "Largest global norm of the gradients; 0: no clipping.",
            number(group, inclusive(0)));
  table.add(
      "--ema-decay", options.ema_decay,
      "Keep an average of the weights that holds on to this much of itself at every update, such as 0.9998. It is "
      "evaluated and saved beside the weights, and is what counts at the end; evaluations take twice as long. 0: none.",
      {.group = group, .minimum = inclusive(0), .maximum = exclusive(1)});
  table.add("--ema-warmup", options.ema_warmup,
            "Let the decay of the average rise to --ema-decay, so that it soon forgets where it began.",
            {.group = group, .needs = "--ema-decay"});
  table.add("--bucket-mb", options.bucket_mebibytes,
            "MiB of gradients that are summed over the ranks together; by default an eighth of all, from 1 to 25. "
            "Changes no result.",
            on_resume("sums in another order: numbers agree up to rounding",
                      {.group = group, .minimum = exclusive(0), .affects_result = false}));
}

void add_stage_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Stages";
  table.add(
      "--stage1-epochs", options.stage1_epochs,
      "Epochs, of --epochs in all, in which the backbone is frozen. After them stage 2 trains everything, with an "
      "optimizer, a warm-up and a schedule of its own. 0: one stage.",
      {.group = group, .minimum = inclusive(0), .maximum = inclusive(kMostEpochs)});
  table.add("--skip-stage1", options.skip_stage1, "Count the epochs of stage 1 as done.", {.group = group});
  table.add("--stage2-batch-size", options.stage2_batch_size, "--batch-size of stage 2, if it differs.",
            on_resume(kSplit, count(group, kMostSamples, false)));
  table.add("--stage2-lr", options.stage2_learning_rate, "--lr of stage 2, if it differs.",
            number(group, exclusive(0)));
  table.add("--progressive-unfreeze", options.progressive_unfreeze,
            "In stage 2, thaw the backbone part by part over the first half of the epochs, the deepest first.",
            {.group = group});
}

/// What is open to measurement before training, beside the options of the devices.
void add_speed_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Machine";
  table.add("--memory-format", options.memory_format,
            "How images lie in memory inside the network. auto: channels-last. Results differ by rounding.",
            kept_by_run({.group = group, .placeholder = "NAME", .allowed = {"auto", "channels-last", "contiguous"}}));
  table.add(
      "--autotune", options.autotune,
      "Before a new run, measure which --memory-format and how many --threads-per-rank are fastest, where they are "
      "left open, and write the choice into the recipe of the run.",
      {.group = group, .affects_result = false});
}

/// Faults to be planted, for whoever checks 'lockstep diagnose'.
void add_planted_faults(OptionTable& table, train::TrainOptions& options) {
  const OptionTraits hidden{
      .group = "Faults", .minimum = inclusive(0), .affects_result = false, .in_recipe = false, .hidden = true};
  table.add("--throttle-reads", options.throttled_mebibytes, "MiB a second that reading samples gets.",
            {.group = "Faults", .minimum = exclusive(0), .affects_result = false, .in_recipe = false, .hidden = true});
  table.add(
      "--inject", options.faults,
      "Faults: KIND@STEP[,rank=R][,samples=N][,seconds=S], several of them with ';' between (docs/exit-codes.md).",
      {.group = "Faults", .affects_result = false, .in_recipe = false, .hidden = true});
  table.add("--slow-rank", options.slow_rank, "A rank that is slower than the others.", hidden);
  table.add("--slow-milliseconds", options.slow_milliseconds, "By how much it is, in each pass.", hidden);
}

}  // namespace

void add_machine_options(OptionTable& table, train::TrainOptions& options) {
  const std::string group = "Machine";
  table.add(
      "--devices", options.devices,
      "Which devices: auto (every GPU, else the CPU), cpu, cpu:4 (four ranks), cuda (every GPU), or a list such "
      "as cuda:0,cuda:1.",
      on_resume(kSplit, {.group = group, .placeholder = "LIST", .affects_result = false, .aliases = {"--device"}}));
  table.add("--num-workers", options.num_workers,
            "Threads that decode, for all ranks together; by default as many as suit the machine.",
            count(group, kMostThreads, false));
  table.add("--prefetch-factor", options.prefetch_factor, "Batches that are decoded ahead for each rank.",
            count(group, kMostKept, false));
  table.add("--precision", options.precision,
            "In what the network computes. auto: bf16 where the device has it, fp16 on older GPUs, else fp32. Weights "
            "are fp32 always; with fp16 the loss is scaled.",
            {.group = group, .placeholder = "NAME", .allowed = {"auto", "fp32", "bf16", "fp16"}});
  table.add("--threads-per-rank", options.threads_per_rank,
            "Threads that compute, for each CPU rank; by default what the machine has left. Results repeat to the bit "
            "for the same number only.",
            kept_by_run(count(group, kMostThreads)));
  table.add("--watchdog", options.watchdog_seconds,
            "Seconds after which a rank that does not come, or that stands still, is named and ends the run.",
            {.group = group, .placeholder = "SECONDS", .minimum = inclusive(1), .affects_result = false});
}

void add_train_options(OptionTable& table, train::TrainOptions& options, std::optional<std::int64_t>* epochs) {
  add_run_options(table, options);
  const std::string group = "Training";
  if (epochs == nullptr) {
    table.add("--epochs", options.epochs, "Passes over the training samples.", count(group, kMostEpochs));
  } else {
    table.add("--epochs", *epochs, "How many epochs; by default as many as hold what the run is to be shown in all.",
              count(group, kMostEpochs));
  }
  table.add("--max-steps", options.max_steps,
            "Stop after so many steps. The schedule is that of all epochs; the same command with more steps goes on.",
            on_resume("stops at another step", number(group, inclusive(1), false)));
  table.add("--seed", options.seed, "All randomness follows from it: weights, order, augmentation, dropout.",
            number(group, inclusive(0)));
  table.add("--pretrained", options.pretrained,
            "Weights to begin with, for the whole network or its backbone: safetensors, or what torch.save wrote.",
            {.group = group, .placeholder = "FILE"});
  table.add("--resume-from", options.resume_from,
            "What a new run goes on from: the folder of another run or one of its snapshots, which is only read, or a "
            "file of weights as for --pretrained. A run that is in --checkpoint-dir already goes before it.",
            kept_by_run({.group = group, .placeholder = "PATH"}));
  table.add("--start-epoch", options.start_epoch,
            "Epochs that count as done with --resume-from FILE; by default what the file says, else 0.",
            kept_by_run(number(group, inclusive(0))));
  add_schedule_options(table, options.schedule);
  add_optimizer_options(table, options);
  add_stage_options(table, options);
  table.add("--sync-bn", options.sync_batch_norm,
            "Let batch norm see the joined batch of all ranks, for networks that have it.", {.group = group});
  table.add("--target", options.target,
            "A metric to reach, such as iou=0.72: each evaluation says when the curve will get there.",
            {.group = group, .placeholder = "NAME=VALUE", .affects_result = false});
  table.add("--deterministic", options.deterministic,
            "On GPUs, use only algorithms that repeat their results to the bit. On the CPU all do, for the same "
            "--threads-per-rank.",
            {.group = group});
  table.add(
      "--max-bad-samples", options.max_bad_samples,
      "Samples that cannot be read and are left out, each with a warning; one more ends the run with the list of "
      "them. What is left out adds nothing to the loss, and is not evaluated.",
      on_resume(
          "more or fewer broken samples end the run",
          {.group = group, .minimum = inclusive(0), .maximum = inclusive(kMostSamples), .affects_result = false}));
  table.add_always_on("--use-ddp", "Training on all devices given; always on.", {.group = group});
  add_batch_options(table, options);
  add_machine_options(table, options);
  add_speed_options(table, options);
  table.add(
      "--ranks", options.ranks,
      "What carries a rank: a thread of this process, or a process of its own. Under torchrun and Slurm each process "
      "has one rank anyway.",
      on_resume(
          kSplit,
          {.group = "Machine", .placeholder = "KIND", .allowed = {"thread", "process"}, .affects_result = false}));
  add_planted_faults(table, options);
}

}  // namespace lockstep::cli
