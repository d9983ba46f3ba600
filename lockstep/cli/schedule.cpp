#include "lockstep/cli/schedule.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/schedule_options.h"
#include "lockstep/observe/chart_file.h"
#include "lockstep/optim/rate_rule.h"

namespace lockstep::cli {
namespace {

constexpr const char* kScheduleDescription =
    "Shows the learning rate of a run before it is started: as a table, and as a curve in a file (--output). The flags "
    "are those of 'lockstep train'.";
constexpr std::int64_t kRows = 20;  ///< about as many, where --every is not given
constexpr std::int64_t kCurvePoints = 2000;

struct ScheduleArguments {
  optim::ScheduleChoice choice;
  std::int64_t epochs = 60;
  std::int64_t steps_per_epoch = 100;
  std::int64_t stage1_epochs = 0;
  std::optional<double> stage2_learning_rate;
  std::optional<std::int64_t> global_batch;
  bool deep_supervision = false;
  std::optional<std::int64_t> every;
  std::filesystem::path output;

  OptionTable table() {
    const OptionTraits count{.group = "Run", .minimum = inclusive(1), .maximum = inclusive(1e6)};
    OptionTable table;
    table.add("--epochs", epochs, "Epochs of the run, those of both stages.", count);
    table.add("--steps-per-epoch", steps_per_epoch, "Steps of an epoch: its samples by the global batch, rounded up.",
              count);
    table.add("--stage1-epochs", stage1_epochs, "Epochs of a first stage; the second begins its own schedule.",
              {.group = "Run", .minimum = inclusive(0), .maximum = inclusive(1e6)});
    table.add("--stage2-lr", stage2_learning_rate,
              "The learning rate of the second stage; by default that of the first.",
              {.group = "Run", .minimum = exclusive(0)});
    table.add("--global-batch", global_batch, "Samples a step over all GPUs, for --lr-base-batch.", count);
    table.add("--deep-supervision", deep_supervision, "The run has losses on side outputs.", {.group = "Run"});
    add_schedule_options(table, choice);
    table.add("--every", every, "Steps from one row of the table to the next; by default such that about 20 fit.",
              {.group = "Output", .minimum = inclusive(1)});
    table.add("--output", output, "Draw the curve into this file (SVG).", {.group = "Output", .placeholder = "FILE"});
    return table;
  }
};

/// A part of the run with a schedule of its own.
struct Stage {
  std::string name;  ///< empty where there is but one
  std::int64_t first_step = 0;
  optim::Schedule schedule;
};

void validate(const ScheduleArguments& arguments) {
  if (arguments.stage1_epochs >= arguments.epochs) {
    throw UsageError(text("--stage1-epochs ", arguments.stage1_epochs, " leaves no epochs for the second stage"),
                     "give more --epochs: they count both stages");
  }
  if (arguments.stage2_learning_rate && arguments.stage1_epochs == 0) {
    throw UsageError("--stage2-lr is for runs with two stages", "give --stage1-epochs, or leave it out");
  }
  if (arguments.choice.lr_base_batch && !arguments.global_batch) {
    throw UsageError("--lr-base-batch needs the batch to scale to", "give --global-batch");
  }
  if (arguments.global_batch && !arguments.choice.lr_base_batch) {
    throw UsageError("--global-batch changes the learning rate only with --lr-base-batch", "give both, or neither");
  }
}

Stage make_stage(const ScheduleArguments& arguments, const std::string& name, std::int64_t first_epoch,
                 std::int64_t epochs, double typed_rate) {
  const optim::RateSetting rate{typed_rate, arguments.global_batch.value_or(1), arguments.deep_supervision};
  const optim::ScheduleOptions options =
      in_steps(arguments.choice, epochs, arguments.steps_per_epoch, optim::scaled_rate(arguments.choice, rate));
  std::cout << name << (name.empty() ? "" : ": ") << optim::describe_rate(arguments.choice, rate) << "\n";
  if (const auto word = optim::word_on_open_restart(options, arguments.steps_per_epoch)) {
    log::warn(*word);
  }
  return {name, first_epoch * arguments.steps_per_epoch, optim::Schedule(options)};
}

std::vector<Stage> make_stages(const ScheduleArguments& arguments) {
  const double rate = arguments.choice.learning_rate;
  const std::int64_t first = arguments.stage1_epochs;
  if (first == 0) {
    return {make_stage(arguments, "", 0, arguments.epochs, rate)};
  }
  return {
      make_stage(arguments, "stage 1", 0, first, rate),
      make_stage(arguments, "stage 2", first, arguments.epochs - first, arguments.stage2_learning_rate.value_or(rate))};
}

void print_row(const ScheduleArguments& arguments, const Stage& stage, std::int64_t step) {
  const optim::ScheduleValue value = stage.schedule.at(step);
  const std::int64_t of_run = stage.first_step + step;
  std::ostringstream row;
  row << std::setw(6) << of_run / arguments.steps_per_epoch + 1 << std::setw(10) << of_run + 1 << std::scientific
      << std::setprecision(6) << std::setw(14) << value.learning_rate << std::setw(10) << std::fixed
      << std::setprecision(4);
  if (value.momentum) {
    row << *value.momentum;
  } else {
    row << "-";
  }
  std::cout << row.str() << "  " << stage.name << (stage.name.empty() ? "" : ", ") << value.phase << "\n";
}

void print_table(const ScheduleArguments& arguments, const std::vector<Stage>& stages) {
  const std::int64_t all_steps = arguments.epochs * arguments.steps_per_epoch;
  const std::int64_t every = arguments.every.value_or(std::max<std::int64_t>(1, all_steps / kRows));
  std::cout << " epoch      step learning rate  momentum  phase\n";
  for (const Stage& stage : stages) {
    const std::int64_t steps = stage.schedule.options().total_steps;
    for (std::int64_t step = 0; step < steps - 1; step += every) {
      print_row(arguments, stage, step);
    }
    print_row(arguments, stage, steps - 1);
  }
  if (stages.front().schedule.options().kind == optim::ScheduleKind::kPlateau) {
    const optim::PlateauOptions& plateau = stages.front().schedule.options().plateau;
    std::cout << "From here on it depends on the metric: after " << plateau.patience + 1
              << " evaluations in a row without a gain the learning rate is multiplied by " << plateau.factor
              << ". The table shows it as if there were always a gain.\n";
  }
}

observe::Series curve_of(const ScheduleArguments& arguments, const Stage& stage, std::size_t color) {
  observe::Series curve{stage.name, {}, {}, color};
  const std::int64_t steps = stage.schedule.options().total_steps;
  const std::int64_t points = std::min(steps, kCurvePoints);
  for (std::int64_t i = 0; i < points; ++i) {
    const std::int64_t step = points == 1 ? 0 : i * (steps - 1) / (points - 1);
    curve.x.push_back(static_cast<double>(stage.first_step + step) / static_cast<double>(arguments.steps_per_epoch));
    curve.y.push_back(stage.schedule.at(step).learning_rate);
  }
  return curve;
}

void draw(const ScheduleArguments& arguments, const std::vector<Stage>& stages) {
  observe::Chart chart{"Learning rate, " + arguments.choice.scheduler, "epoch", {}};
  for (const Stage& stage : stages) {
    chart.series.push_back(curve_of(arguments, stage, chart.series.size()));
  }
  write_file_atomically(arguments.output, observe::chart_as_svg_file(chart));
  std::cout << "curve: " << arguments.output.string() << "\n";
}

}  // namespace

std::string schedule_flags() {
  ScheduleArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode schedule(const std::string& command, const std::vector<std::string>& words) {
  ScheduleArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kScheduleDescription)) {
    return ExitCode::kFinished;
  }
  validate(arguments);
  const std::vector<Stage> stages = make_stages(arguments);
  print_table(arguments, stages);
  if (!arguments.output.empty()) {
    draw(arguments, stages);
  }
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
