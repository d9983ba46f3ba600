#include "lockstep/cli/resume_from.h"

#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/cli/recipe.h"
#include "lockstep/observe/run_log.h"

namespace lockstep::cli {
namespace {

constexpr const char* kResumeFrom = "--resume-from";

/// Where the run folder is emptied, what lies in it cannot be taken up, but for runs that were set aside before.
void check_stays_there(const std::filesystem::path& from, const checkpoint::RunFolder& folder) {
  const std::filesystem::path inside =
      std::filesystem::canonical(from).lexically_relative(std::filesystem::canonical(folder.path()));
  const std::string first = inside.begin()->string();
  if (first != ".." && !first.starts_with("previous-")) {
    throw UsageError(text(kResumeFrom, " '", from.string(), "' lies in the run folder, which --fresh sets aside"),
                     "give another --checkpoint-dir");
  }
}

void check_options_of(const std::filesystem::path& recipe, const std::filesystem::path& from,
                      const OptionTable& table) {
  std::vector<Difference> others = refused(compare_recipes(table, recipe));
  std::erase_if(others, [](const Difference& one) { return one.flag == kResumeFrom || one.flag == "--start-epoch"; });
  if (!others.empty()) {
    throw UsageError(
        text("the run of ", kResumeFrom, " '", from.string(), "' has other options: ", describe(others)),
        "give the options of that run to go on with it, or its model.safetensors, to begin with its weights");
  }
}

/// The log of another run behind what the folder's own says of runs that have died before their first snapshot. A
/// second time, where the program was killed in between, adds nothing.
void append_log(const std::filesystem::path& other, const std::filesystem::path& own) {
  const std::string taken = read_text(other);
  std::string log = std::filesystem::exists(own) ? read_text(own) : std::string();
  if (log.ends_with(taken)) {
    return;
  }
  if (!log.empty() && log.back() != '\n') {
    log += '\n';  // a record that was torn
  }
  write_file_atomically(own, log + taken);
}

}  // namespace

std::optional<checkpoint::OriginRun> find_run_to_take_up(const checkpoint::RunFolder& folder, const OptionTable& table,
                                                         const train::TrainOptions& options, bool sets_run_aside) {
  const std::filesystem::path& from = options.resume_from;
  if (from.empty()) {
    return std::nullopt;
  }
  if (folder.has_run() && !sets_run_aside) {
    log::info(text("the run in '", folder.path().string(), "' has snapshots of its own, which go before ", kResumeFrom,
                   " '", from.string(), "'"));
    return std::nullopt;
  }
  options.validate();  // before anything is moved or copied
  if (!std::filesystem::exists(from)) {
    throw DataError(text(kResumeFrom, " '", from.string(), "' is not there"),
                    "give the run folder of a run, one of its snapshots, or a file of weights");
  }
  if (sets_run_aside) {
    check_stays_there(from, folder);
  }
  if (!std::filesystem::is_directory(from)) {
    return std::nullopt;
  }
  checkpoint::OriginRun origin = checkpoint::find_origin_run(from);
  if (const auto recipe = origin.recipe()) {
    check_options_of(*recipe, from, table);
  }
  for (const std::string& reason : origin.passed_over) {
    log::warn(text("a snapshot is passed over: ", reason));
  }
  return origin;
}

void take_up_run(const checkpoint::OriginRun& origin, const checkpoint::RunFolder& folder, const OptionTable& table) {
  // The snapshots come last: before they are there, the folder holds no run.
  write_file_atomically(folder.recipe(), to_toml(table));
  const std::filesystem::path log_of_run = origin.run_folder / observe::kRunLogFile;
  if (!origin.run_folder.empty() && std::filesystem::exists(log_of_run)) {
    append_log(log_of_run, folder.path() / observe::kRunLogFile);
  }
  checkpoint::take_up(origin, folder);
  log::info(text("taken up: '", origin.snapshot.string(), "'"));
}

}  // namespace lockstep::cli
