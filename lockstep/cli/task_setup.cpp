#include "lockstep/cli/task_setup.h"

#include "lockstep/base/text.h"
#include "lockstep/checkpoint/run_folder.h"
#include "lockstep/cli/recipe.h"

namespace lockstep::cli {

void read_recipe_of_run(TaskSetup& setup, const std::filesystem::path& run_folder, const std::string& train_command) {
  const std::filesystem::path recipe = run_folder / checkpoint::kRecipeFile;
  if (!std::filesystem::exists(recipe)) {
    throw DataError(text("'", run_folder.string(), "' holds no run"),
                    text("give the --checkpoint-dir of '", train_command, "'"));
  }
  apply_recipe(setup.table(), recipe);
}

}  // namespace lockstep::cli
