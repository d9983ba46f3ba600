#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/cli/options.h"
#include "lockstep/cli/task_setup.h"
#include "lockstep/tasks/surface/options.h"

namespace lockstep::cli {

/// What a run of the surface task is given, with the task's defaults.
class SurfaceSetup : public TaskSetup {
 public:
  SurfaceSetup();

  OptionTable table() override;
  std::filesystem::path& dataset_path() override { return task.dataset_path; }

  /// Cuts the patch in the options to the volumes, so that the recipe of the run holds the one that its network is for,
  /// and says what it takes.
  std::unique_ptr<tasks::Task> make_task(int local_processes) override;

  tasks::surface::Options task;
  std::int64_t tuning_volumes = 4;  ///< evaluation volumes on which threshold and sizes are tuned after training
};

inline constexpr const char* kTrainSurface = "lockstep train surface";

/// The flags of the commands, as Markdown.
std::string train_surface_flags();
std::string evaluate_surface_flags();
std::string predict_surface_flags();
std::string run_surface_flags();
std::string diagnose_surface_flags();

/// The commands of the surface task. Each takes the arguments behind its name ("lockstep train surface").
ExitCode train_surface(const std::string& command, const std::vector<std::string>& arguments);
ExitCode evaluate_surface(const std::string& command, const std::vector<std::string>& arguments);
ExitCode predict_surface(const std::string& command, const std::vector<std::string>& arguments);
ExitCode run_surface(const std::string& command, const std::vector<std::string>& arguments);
ExitCode diagnose_surface(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace lockstep::cli
