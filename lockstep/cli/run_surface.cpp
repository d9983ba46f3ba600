#include <algorithm>
#include <iostream>

#include "lockstep/base/duration.h"
#include "lockstep/base/log.h"
#include "lockstep/base/program_age.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/recipe.h"
#include "lockstep/cli/surface.h"
#include "lockstep/cli/surface_answers.h"
#include "lockstep/cli/train.h"
#include "lockstep/cli/writable.h"
#include "lockstep/parallel/spawn.h"
#include "lockstep/tasks/surface/submission.h"
#include "lockstep/tasks/surface/task.h"

namespace lockstep::cli {
namespace {

constexpr const char* kRunSurfaceDescription =
    "Goes all the way to a submission: trains, or resumes the run in the run folder, or goes straight on where it is "
    "finished; then predicts the test volumes and packs them, checked, into a ZIP archive. The flags are those of "
    "'lockstep train surface' and these; the time of --time-budget is for all of it.";

struct RunSurfaceArguments {
  std::filesystem::path output = "submission.zip";
  std::string competition = "vesuvius-challenge-surface-detection";
  std::int64_t window_batch = kWindowBatch;

  void add_to(OptionTable& table) {
    const std::string group = "Submission";
    table.add("--output", output, "The archive.",
              {.group = group, .placeholder = "FILE", .affects_result = false, .in_recipe = false});
    table.add("--competition", competition, "For the line that submits it, which is printed at the end.",
              {.group = group, .placeholder = "NAME", .affects_result = false, .in_recipe = false});
    table.add("--window-batch", window_batch, "Windows that a GPU (or CPU rank) takes at a time in prediction.",
              {.group = group,
               .minimum = inclusive(1),
               .maximum = inclusive(kMostSamples),
               .affects_result = false,
               .in_recipe = false});
  }
};

bool is_finished(const SurfaceSetup& setup) {
  const std::filesystem::path& run = setup.train.checkpoint_dir;
  if (setup.train.fresh || !std::filesystem::exists(run / checkpoint::kRecipeFile)) {
    return false;
  }
  const auto last = checkpoint::SnapshotFolder(run).last();
  return last && checkpoint::load_state(*last).epoch >= setup.train.epochs;
}

/// Whether a patch size is one that a run's dataset may have cut to the other: no side is longer.
bool is_cut_of(const std::string& size, const std::string& given) {
  tasks::surface::Options one;
  tasks::surface::Options other;
  one.patch_size = size;
  other.patch_size = given;
  const models::Extent cut = one.patch();
  const models::Extent whole = other.patch();
  return cut[0] <= whole[0] && cut[1] <= whole[1] && cut[2] <= whole[2];
}

/// A finished run is taken as it is, whatever is asked for.
void tell_what_differs(const SurfaceSetup& setup, const OptionTable& table) {
  std::vector<Difference> differences =
      refused(compare_recipes(table, setup.train.checkpoint_dir / checkpoint::kRecipeFile));
  std::erase_if(differences, [](const Difference& difference) {
    return difference.flag == "--patch-size" &&
           is_cut_of(std::get<std::string>(difference.saved), std::get<std::string>(difference.now));
  });
  if (!differences.empty()) {
    log::warn(text("the finished run is taken as it is, though it was trained with other options: ",
                   describe(differences), " (to train with these, give another --checkpoint-dir, or --fresh)"));
  }
}

/// Those of test_images.
std::vector<data::VolumePair> volumes_to_predict(const std::filesystem::path& dataset) {
  const std::filesystem::path folder = dataset / "test_images";
  if (!std::filesystem::is_directory(folder)) {
    throw DataError(text("there is no folder '", folder.string(), "': nothing to predict and to pack"),
                    "put the volumes to be predicted there, or train only, with 'lockstep train surface'");
  }
  return data::find_images_of_volumes(folder);
}

train::TrainOptions machine_for_windows(const SurfaceSetup& setup, const RunSurfaceArguments& arguments) {
  train::TrainOptions machine = setup.train;
  machine.batch_size = arguments.window_batch;
  return machine;
}

/// Lets training end so much earlier that the test volumes can still be predicted and packed.
void keep_time_for_prediction(SurfaceSetup& setup, const train::TrainOptions& machine,
                              const std::vector<data::VolumePair>& volumes) {
  if (setup.train.time_budget.empty() && setup.train.quota.empty()) {
    return;
  }
  const auto tuned_on =
      std::min(static_cast<std::size_t>(setup.tuning_volumes), tasks::surface::split_of(setup.task).evaluation.size());
  const double share_of_tuning = static_cast<double>(tuned_on) / static_cast<double>(volumes.size());
  const double seconds = (1 + share_of_tuning) * seconds_to_answer(setup, machine, volumes);
  log::info(text("about ", format_duration(seconds), " of the time are kept for the prediction of ", volumes.size(),
                 volumes.size() == 1 ? " volume" : " volumes"));
  setup.train.age_seconds = [seconds] { return program_age_seconds() + seconds; };
}

void predict_and_pack(const SurfaceSetup& setup, const train::TrainOptions& machine,
                      const RunSurfaceArguments& arguments, const std::vector<data::VolumePair>& volumes) {
  const std::filesystem::path& run = setup.train.checkpoint_dir;
  const std::filesystem::path folder = run / "predictions";
  write_masks(setup, run, machine, volumes, tuned_for_run(run), folder);
  tasks::surface::pack_submission(arguments.output, volumes, folder);
  log::info(text(arguments.output.string(), " holds ", volumes.size(), volumes.size() == 1 ? " mask" : " masks",
                 ", checked against the volumes; submit it with"));
  std::cout << "kaggle competitions submit -c " << arguments.competition << " -f " << arguments.output.string()
            << " -m \"lockstep " LOCKSTEP_VERSION "\"\n";
}

}  // namespace

std::string run_surface_flags() {
  RunSurfaceArguments arguments;
  OptionTable table;
  arguments.add_to(table);
  return "The flags of `lockstep train surface`, and these:\n\n" + to_markdown(table);
}

ExitCode run_surface(const std::string& command, const std::vector<std::string>& words) {
  SurfaceSetup setup;
  RunSurfaceArguments arguments;
  OptionTable table = setup.table();
  arguments.add_to(table);
  if (parse_or_answer(table, words, command, kRunSurfaceDescription)) {
    return ExitCode::kFinished;
  }
  if (parallel::is_one_of_several_processes() || setup.train.ranks == "process") {
    throw UsageError("lockstep run works in one process, with a thread a rank",
                     "leave out --ranks process, torchrun and srun; --devices names the devices");
  }
  make_paths_absolute(setup);
  if (setup.task.dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of the volumes");
  }
  require_writable(arguments.output);
  const std::vector<data::VolumePair> volumes = volumes_to_predict(setup.task.dataset_path);
  const train::TrainOptions machine = machine_for_windows(setup, arguments);
  ExitCode code = ExitCode::kFinished;
  if (is_finished(setup)) {
    log::info(text("the run in '", setup.train.checkpoint_dir.string(), "' is finished: on to the test volumes"));
    tell_what_differs(setup, table);
    take_up_recipe(setup);
  } else {
    keep_time_for_prediction(setup, machine, volumes);
    const train::RunEnd end = train_here(setup, table);
    code = exit_code_of(end);
    if (end == train::RunEnd::kStopped) {
      return code;
    }
    if (end != train::RunEnd::kOutOfTime) {
      tune_masks_of_run(setup);
    }
  }
  predict_and_pack(setup, machine, arguments, volumes);
  return code;
}

}  // namespace lockstep::cli
