#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/cli/options.h"
#include "lockstep/tasks/camouflage/options.h"
#include "lockstep/train/options.h"

namespace lockstep::cli {

/// What a run of the camouflage task is given, with the task's defaults.
struct CamouflageSetup {
  CamouflageSetup();

  tasks::camouflage::Options task;
  train::TrainOptions train;

  /// The table that sets this object.
  OptionTable table();
};

/// Adds --cache and what belongs to it.
void add_cache_options(OptionTable& table, const std::string& group, data::CacheOptions& cache);

/// Adds what commands take that only ask a trained network: --test-time-flip (unset: as the run did), --batch-size and
/// the options of the machine.
void add_answer_options(OptionTable& table, const std::string& group, std::optional<bool>& test_time_flip,
                        train::TrainOptions& machine);

/// Reads the options of the run in a folder into `setup`; throws DataError where there is none.
void read_recipe_of_run(CamouflageSetup& setup, const std::filesystem::path& run_folder);

/// The flags of the commands, as Markdown.
std::string train_camouflage_flags();
std::string evaluate_camouflage_flags();
std::string predict_camouflage_flags();
std::string diagnose_camouflage_flags();

/// The commands of the camouflage task. Each takes the arguments behind its name ("lockstep train camouflage").
ExitCode train_camouflage(const std::string& command, const std::vector<std::string>& arguments);
ExitCode evaluate_camouflage(const std::string& command, const std::vector<std::string>& arguments);
ExitCode predict_camouflage(const std::string& command, const std::vector<std::string>& arguments);
ExitCode diagnose_camouflage(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace lockstep::cli
