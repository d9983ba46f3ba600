#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/cli/options.h"
#include "lockstep/cli/task_setup.h"
#include "lockstep/tasks/fewshot/options.h"

namespace lockstep::cli {

/// What a run of the few-shot task is given, with the task's defaults.
class FewShotSetup : public TaskSetup {
 public:
  FewShotSetup();

  OptionTable table() override;
  std::filesystem::path& dataset_path() override { return task.dataset_path; }

  /// Also settles how many epochs the run has.
  std::unique_ptr<tasks::Task> make_task(int local_processes) override;

  tasks::fewshot::Options task;
  std::int64_t num_episodes = 1000;    ///< of training in all, over all ranks
  std::optional<std::int64_t> epochs;  ///< by default as many as hold that many episodes
};

inline constexpr const char* kTrainFewShot = "lockstep train fewshot";

/// Adds --batch-size of commands that only ask a trained network, and the options of the machine.
void add_few_shot_machine(OptionTable& table, const std::string& group, train::TrainOptions& machine);

/// The flags of the commands, as Markdown.
std::string train_few_shot_flags();
std::string evaluate_few_shot_flags();
std::string predict_few_shot_flags();

/// The commands of the few-shot task. Each takes the arguments behind its name ("lockstep train fewshot").
ExitCode train_few_shot(const std::string& command, const std::vector<std::string>& arguments);
ExitCode evaluate_few_shot(const std::string& command, const std::vector<std::string>& arguments);
ExitCode predict_few_shot(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace lockstep::cli
