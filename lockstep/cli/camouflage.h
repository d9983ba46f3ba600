#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/cli/options.h"
#include "lockstep/cli/task_setup.h"
#include "lockstep/tasks/camouflage/options.h"

namespace lockstep::cli {

/// What a run of the camouflage task is given, with the task's defaults.
class CamouflageSetup : public TaskSetup {
 public:
  CamouflageSetup();

  OptionTable table() override;
  std::filesystem::path& dataset_path() override { return task.dataset_path; }
  std::unique_ptr<tasks::Task> make_task(int local_processes) override;
  MeasuredTask make_task_to_measure() override;

  tasks::camouflage::Options task;
};

inline constexpr const char* kTrainCamouflage = "lockstep train camouflage";

/// Adds --cache and what belongs to it.
void add_cache_options(OptionTable& table, const std::string& group, data::CacheOptions& cache);

/// Adds what commands take that only ask a trained network: --test-time-flip (unset: as the run did), --batch-size and
/// the options of the machine.
void add_answer_options(OptionTable& table, const std::string& group, std::optional<bool>& test_time_flip,
                        train::TrainOptions& machine);

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
