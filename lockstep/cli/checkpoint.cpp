#include "lockstep/cli/checkpoint.h"

#include <chrono>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "lockstep/base/clock.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/inspection.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/columns.h"
#include "lockstep/cli/help.h"
#include "lockstep/observe/run_history.h"
#include "lockstep/observe/run_log.h"

namespace lockstep::cli {
namespace {

constexpr const char* kListDescription =
    "Lists the snapshots of a run, newest first: how old and how large they are, what the evaluation after them gave, "
    "which one a resume takes, and whether all of their bytes are as they were written. The run may stand behind the "
    "command without its flag.";
constexpr const char* kVerifyDescription =
    "Reads every byte of a run's snapshots and compares it with the sums in their manifests; ends with exit code 3 "
    "where "
    "one is damaged. The run may stand behind the command without its flag.";
constexpr const char* kShowDescription =
    "Prints the state of a snapshot, and the types and shapes of its tensors. The run may stand behind the command "
    "without its flag.";

struct CheckpointArguments {
  std::filesystem::path run = "runs/camouflage";
  std::optional<std::int64_t> step;

  OptionTable table(const std::string& use_of_step) {
    OptionTable table;
    table.add("--checkpoint-dir", run, "The run whose snapshots are looked at.",
              {.group = "Snapshots", .placeholder = "DIR"});
    if (!use_of_step.empty()) {
      table.add("--step", step, use_of_step, {.group = "Snapshots", .minimum = inclusive(0)});
    }
    return table;
  }
};

constexpr const char* kStepToVerify = "Only the snapshot after this step.";
constexpr const char* kStepToShow = "The snapshot after this step; by default the one that a resume takes.";

/// Says whether the command has nothing more to do.
bool is_answered(CheckpointArguments& arguments, const std::string& use_of_step, std::vector<std::string> words,
                 const std::string& command, const std::string& description) {
  if (!words.empty() && !words.front().starts_with("-")) {
    words.insert(words.begin(), "--checkpoint-dir");
  }
  return parse_or_answer(arguments.table(use_of_step), words, command, description);
}

/// Newest first. Throws DataError where there are none.
std::vector<std::filesystem::path> snapshots_of(const CheckpointArguments& arguments) {
  std::vector<std::filesystem::path> snapshots = checkpoint::SnapshotFolder(arguments.run).all();
  const auto is_another = [&](const std::filesystem::path& folder) {
    return arguments.step && checkpoint::step_of(folder) != arguments.step;
  };
  std::erase_if(snapshots, is_another);
  if (snapshots.empty()) {
    throw DataError(text("'", arguments.run.string(), "' has no snapshot",
                         arguments.step ? text(" after step ", *arguments.step) : ""),
                    "give the --checkpoint-dir of a run, and one of the steps that 'lockstep checkpoint list' names");
  }
  return snapshots;
}

/// The snapshot that `last` or `best` names, or what is wrong with that.
struct Pointer {
  std::optional<std::filesystem::path> folder;
  std::string problem;
};

Pointer follow(const std::filesystem::path& run, const std::string& name) {
  const checkpoint::SnapshotFolder snapshots(run);
  try {
    return {name == "last" ? snapshots.last() : snapshots.best(), ""};
  } catch (const DataError& error) {
    return {std::nullopt, error.problem()};
  }
}

std::string megabytes(std::uint64_t bytes) {
  constexpr double kMegabyte = 1e6;
  std::ostringstream words;
  words << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / kMegabyte << " MB";
  return words.str();
}

std::string age_of(const std::filesystem::path& folder) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(folder, error);
  return error ? "-" : format_duration(Seconds(std::filesystem::file_time_type::clock::now() - written).count());
}

/// Of the run's metric, by step; nothing where there is no log that can be read.
std::map<std::int64_t, double> evaluations_of(const std::filesystem::path& run, const std::string& metric) {
  std::map<std::int64_t, double> values;
  const std::filesystem::path log = run / observe::kRunLogFile;
  if (!metric.empty() && std::filesystem::exists(log)) {
    for (const observe::EvaluateEvent& event : observe::read_run_history(log).evaluations) {
      if (const auto found = event.metrics.find(metric); found != event.metrics.end()) {
        values[event.step] = found->second;
      }
    }
  }
  return values;
}

/// The state as far as it can be read.
std::optional<checkpoint::State> try_state(const std::filesystem::path& folder) {
  try {
    return checkpoint::load_state(folder);
  } catch (const DataError&) {
    return std::nullopt;
  }
}

std::string word_on(const checkpoint::Inspection& found) {
  if (found.damage) {
    return "damaged: " + *found.damage;
  }
  return found.has_sums ? "whole" : "can be read; it has no sums, since an earlier program wrote it";
}

void print_tensors(const std::filesystem::path& folder) {
  for (const char* file : {checkpoint::kModelFile, checkpoint::kEmaFile, checkpoint::kOptimizerFile}) {
    if (!std::filesystem::exists(folder / file)) {
      continue;
    }
    std::cout << "\n" << file << "\n";
    std::vector<std::vector<std::string>> rows = {{"  tensor", "type", "shape"}};
    for (const checkpoint::SafetensorsEntry& entry : checkpoint::read_safetensors_header(folder / file).entries) {
      std::string shape;
      for (const std::int64_t length : entry.shape) {
        shape += text(shape.empty() ? "" : " × ", length);
      }
      rows.push_back({"  " + entry.name, checkpoint::safetensors_type(entry.dtype), shape.empty() ? "scalar" : shape});
    }
    std::cout << in_columns(rows);
  }
}

}  // namespace

std::string checkpoint_list_flags() { return to_markdown(CheckpointArguments().table("")); }

std::string checkpoint_verify_flags() { return to_markdown(CheckpointArguments().table(kStepToVerify)); }

std::string checkpoint_show_flags() { return to_markdown(CheckpointArguments().table(kStepToShow)); }

ExitCode checkpoint_list(const std::string& command, const std::vector<std::string>& words) {
  CheckpointArguments arguments;
  if (is_answered(arguments, "", words, command, kListDescription)) {
    return ExitCode::kFinished;
  }
  const std::vector<std::filesystem::path> snapshots = snapshots_of(arguments);
  std::string metric;
  for (const auto& folder : snapshots) {
    const auto state = try_state(folder);
    metric = metric.empty() && state && state->best ? state->best->metric : metric;
  }
  const auto values = evaluations_of(arguments.run, metric);
  const Pointer last = follow(arguments.run, "last");
  const Pointer best = follow(arguments.run, "best");
  std::vector<std::vector<std::string>> rows = {
      {"step", "epoch", metric.empty() ? "metric" : metric, "size", "age", "named", "state"}};
  for (const auto& folder : snapshots) {
    const checkpoint::Inspection found = checkpoint::inspect(folder);
    const auto state = try_state(folder);
    const auto value = values.find(*checkpoint::step_of(folder));
    rows.push_back(
        {text(*checkpoint::step_of(folder)), state ? text(state->epoch + (state->step_in_epoch > 0 ? 1 : 0)) : "-",
         value != values.end() ? text(value->second) : "-", megabytes(found.bytes), age_of(folder),
         text(last.folder == folder ? "last" : "", last.folder == folder && best.folder == folder ? ", " : "",
              best.folder == folder ? "best" : ""),
         word_on(found)});
  }
  std::cout << in_columns(rows);
  for (const Pointer& pointer : {last, best}) {
    std::cout << pointer.problem << (pointer.problem.empty() ? "" : "\n");
  }
  return ExitCode::kFinished;
}

ExitCode checkpoint_verify(const std::string& command, const std::vector<std::string>& words) {
  CheckpointArguments arguments;
  if (is_answered(arguments, kStepToVerify, words, command, kVerifyDescription)) {
    return ExitCode::kFinished;
  }
  const std::vector<std::filesystem::path> snapshots = snapshots_of(arguments);
  int damaged = 0;
  for (const auto& folder : snapshots) {
    const checkpoint::Inspection found = checkpoint::inspect(folder);
    damaged += found.damage ? 1 : 0;
    std::cout << folder.filename().string() << ": " << word_on(found) << std::endl;  // as soon as it is known
  }
  for (const char* name : {"last", "best"}) {
    if (const Pointer pointer = follow(arguments.run, name); !pointer.problem.empty()) {
      ++damaged;
      std::cout << pointer.problem << "\n";
    }
  }
  if (damaged > 0) {
    throw DataError(
        text("the snapshots of '", arguments.run.string(), "' are damaged: ", damaged, " of the lines above say how"),
        "a resume takes the newest whole one; look at the disk");
  }
  return ExitCode::kFinished;
}

ExitCode checkpoint_show(const std::string& command, const std::vector<std::string>& words) {
  CheckpointArguments arguments;
  if (is_answered(arguments, kStepToShow, words, command, kShowDescription)) {
    return ExitCode::kFinished;
  }
  std::filesystem::path folder = snapshots_of(arguments).front();
  if (!arguments.step) {
    folder = checkpoint::SnapshotFolder(arguments.run).choose().value().folder;
  } else if (const auto damage = checkpoint::inspect(folder).damage) {
    throw DataError(*damage, "take another --step");
  }
  std::cout << folder.filename().string() << "\n";
  std::vector<std::vector<std::string>> rows;
  const nlohmann::json state = to_json(checkpoint::load_state(folder));
  for (const auto& [name, value] : state.items()) {
    const bool is_long = name == "landing_order";  // a name for each parameter
    rows.push_back({"  " + name, is_long ? text(value.size(), " parameters") : value.dump()});
  }
  std::cout << in_columns(rows);
  print_tensors(folder);
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
