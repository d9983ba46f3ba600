#include "lockstep/cli/program.h"

#include <torch/version.h>

#include <algorithm>
#include <iostream>

#include "lockstep/base/error.h"
#include "lockstep/base/memory.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/bench_data.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/checkpoint.h"
#include "lockstep/cli/data_check.h"
#include "lockstep/cli/fewshot.h"
#include "lockstep/cli/general.h"
#include "lockstep/cli/help.h"
#include "lockstep/cli/leave.h"
#include "lockstep/cli/nearest.h"
#include "lockstep/cli/schedule.h"
#include "lockstep/cli/surface.h"

namespace lockstep::cli {
namespace {

struct Command {
  std::string name;  ///< "train camouflage", "schedule"
  std::string summary;
  ExitCode (*run)(const std::string& command, const std::vector<std::string>& arguments);
  std::string (*flags)();  ///< as Markdown
};

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"train camouflage", "train a network that finds camouflaged objects, or resume a run", train_camouflage,
       train_camouflage_flags},
      {"evaluate camouflage", "measure a trained network, or masks that any program has made", evaluate_camouflage,
       evaluate_camouflage_flags},
      {"predict camouflage", "write masks, overlays and a contact sheet for images", predict_camouflage,
       predict_camouflage_flags},
      {"diagnose camouflage", "say what holds training back, and what to change", diagnose_camouflage,
       diagnose_camouflage_flags},
      {"train surface", "train a network that finds a surface in volumes, or resume a run", train_surface,
       train_surface_flags},
      {"evaluate surface", "measure a trained network, or masks that any program has made", evaluate_surface,
       evaluate_surface_flags},
      {"predict surface", "write a mask for each volume", predict_surface, predict_surface_flags},
      {"diagnose surface", "say what holds training back, and what to change", diagnose_surface,
       diagnose_surface_flags},
      {"run surface", "train, predict the test volumes, and pack a submission", run_surface, run_surface_flags},
      {"train fewshot", "train a network that finds what it is shown by a few examples, or resume a run",
       train_few_shot, train_few_shot_flags},
      {"evaluate fewshot", "measure a trained network on episodes of classes that it was not trained on",
       evaluate_few_shot, evaluate_few_shot_flags},
      {"predict fewshot", "find what examples show in pictures: boxes, drawings, a contact sheet", predict_few_shot,
       predict_few_shot_flags},
      {"checkpoint list", "list the snapshots of a run", checkpoint_list, checkpoint_list_flags},
      {"checkpoint verify", "read the snapshots of a run, and tell damage", checkpoint_verify, checkpoint_verify_flags},
      {"checkpoint show", "print what is in a snapshot", checkpoint_show, checkpoint_show_flags},
      {"schedule", "show the learning rate of a run before it is started", schedule, schedule_flags},
      {"data check", "look through a dataset: what there is, what is odd, what training would refuse", data_check,
       data_check_flags},
      {"bench data", "measure how fast images are loaded, and where the time goes", bench_data, bench_data_flags},
  };
  return all;
}

std::string overview() {
  std::string words =
      "Lockstep trains vision models on every GPU of a machine, and brings the result home.\n\n"
      "usage: lockstep COMMAND [flags]\n\n";
  for (const Command& command : commands()) {
    words += text("  lockstep ", command.name, std::string(24 - command.name.size(), ' '), command.summary, "\n");
  }
  return words +
         "\n  lockstep COMMAND --help      the flags of a command\n"
         "  lockstep flags               the flags of all commands, as Markdown\n"
         "  lockstep --version\n";
}

std::string all_flags() {
  std::string page = "# Flags\n\nPrinted by `lockstep flags`.\n";
  for (const Command& command : commands()) {
    page += text("\n## lockstep ", command.name, "\n\n", command.flags());
  }
  return page + "\n## Every command\n\n" + to_markdown(GeneralOptions().table());
}

ExitCode dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    std::cout << overview();
    return ExitCode::kFinished;
  }
  if (arguments[0] == "--version") {
    std::cout << "lockstep " LOCKSTEP_VERSION " (LibTorch " TORCH_VERSION ")\n";
    return ExitCode::kFinished;
  }
  if (arguments[0] == "flags") {
    std::cout << all_flags();
    return ExitCode::kFinished;
  }
  const std::string given = arguments.size() > 1 ? arguments[0] + " " + arguments[1] : arguments[0];
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.name == given || command.name == arguments[0]) {
      const auto words = std::ranges::count(command.name, ' ') + 1;
      return command.run("lockstep " + command.name, {arguments.begin() + words, arguments.end()});
    }
    names.push_back(command.name);
  }
  const auto with_verb =
      std::ranges::find_if(names, [&](const auto& name) { return name.starts_with(arguments[0] + " "); });
  if (with_verb != names.end() && (arguments.size() == 1 || arguments[1].starts_with("-"))) {
    throw UsageError(text(arguments[0], " needs a task"), text("try lockstep ", *with_verb, " --help"));
  }
  throw UsageError(text("there is no command '", given, "'"), suggestion(given, names, "see lockstep --help"));
}

}  // namespace

int run_program(int argc, char** argv) {
  keep_freed_memory();
  try {
    return static_cast<int>(dispatch({argv + 1, argv + argc}));
  } catch (const std::exception&) {
    return static_cast<int>(tell(std::current_exception()));
  }
}

}  // namespace lockstep::cli
