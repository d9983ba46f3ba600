#include "lockstep/checkpoint/snapshot.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr const char* kEmaFile = "ema.safetensors";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kStateFile = "state.json";
constexpr const char* kPrefix = "step-";

std::string folder_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "%s%08lld", kPrefix, static_cast<long long>(step));
  return name;
}

void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) {
    throw MachineError(text("cannot rename '", from.string(), "' to '", to.string(), "': ", error.message()),
                       "choose a --checkpoint-dir that can be written");
  }
}

State load_state(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kStateFile;
  const nlohmann::json json = nlohmann::json::parse(read_text(path), nullptr, /*allow_exceptions=*/false);
  return state_from_json(json, path.string());
}

void remove_folder(const std::filesystem::path& folder) {
  std::error_code ignored;  // what cannot be removed takes room and does no other harm
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace

SnapshotFolder::SnapshotFolder(const std::filesystem::path& run_folder) : folder_(run_folder / "checkpoints") {}

std::filesystem::path SnapshotFolder::save(const Snapshot& snapshot, bool is_best, int keep) const {
  const std::string name = folder_name(snapshot.state.step);
  const std::filesystem::path aside = folder_ / (name + ".partial");
  const std::filesystem::path replaced = folder_ / (name + ".replaced");
  remove_folder(aside);
  make_directories(aside);
  try {
    write_safetensors(aside / kModelFile, snapshot.model);
    if (!snapshot.ema.empty()) {
      write_safetensors(aside / kEmaFile, snapshot.ema);
    }
    write_safetensors(aside / kOptimizerFile, snapshot.optimizer);
    write_file_atomically(aside / kStateFile, to_json(snapshot.state).dump(2) + "\n");
  } catch (...) {
    remove_folder(aside);
    throw;
  }
  if (std::filesystem::exists(folder_ / name)) {
    remove_folder(replaced);
    rename_folder(folder_ / name, replaced);
  }
  rename_folder(aside, folder_ / name);
  flush_directory(folder_);
  // `best` first: killed between the two, the run repeats the steps since the snapshot before and finds this best
  // again.
  if (is_best) {
    write_file_atomically(folder_ / "best", name + "\n");
  }
  write_file_atomically(folder_ / "last", name + "\n");
  remove_folder(replaced);
  retain(keep);
  return folder_ / name;
}

std::optional<std::filesystem::path> SnapshotFolder::named(const std::string& pointer) const {
  if (!std::filesystem::exists(folder_ / pointer)) {
    return std::nullopt;
  }
  std::string name = read_text(folder_ / pointer);
  name.erase(name.find_last_not_of(" \r\n") + 1);
  if (!name.starts_with(kPrefix) || !std::filesystem::is_directory(folder_ / name)) {
    throw DataError(text("'", (folder_ / pointer).string(), "' names '", name, "', and there is no such snapshot"),
                    "write the name of another snapshot beside it into that file, or start anew with --fresh");
  }
  return folder_ / name;
}

void SnapshotFolder::retain(int keep) const {
  std::vector<std::filesystem::path> snapshots;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(kPrefix) && name.find('.') == std::string::npos) {
      snapshots.push_back(entry.path());
    }
  }
  std::ranges::sort(snapshots, std::greater<>());
  const auto best_one = best();
  const auto last_one = last();
  for (std::size_t i = static_cast<std::size_t>(keep); i < snapshots.size(); ++i) {
    if (snapshots[i] != best_one && snapshots[i] != last_one) {
      remove_folder(snapshots[i]);
    }
  }
}

std::filesystem::path best_weights(const std::filesystem::path& run_folder) {
  const SnapshotFolder snapshots(run_folder);
  if (const auto chosen = snapshots.best() ? snapshots.best() : snapshots.last()) {
    return *chosen / (std::filesystem::exists(*chosen / kEmaFile) ? kEmaFile : kModelFile);
  }
  if (std::filesystem::exists(run_folder / kModelFile)) {
    return run_folder / kModelFile;  // the snapshots were removed to save room
  }
  throw DataError(text("the run in '", run_folder.string(), "' has no weights yet"),
                  "train until the end of the first epoch, or give another --checkpoint-dir");
}

Snapshot load_snapshot(const std::filesystem::path& folder) {
  Snapshot snapshot{load_state(folder),
                    read_safetensors(folder / kModelFile).tensors,
                    {},
                    read_safetensors(folder / kOptimizerFile).tensors};
  if (std::filesystem::exists(folder / kEmaFile)) {
    snapshot.ema = read_safetensors(folder / kEmaFile).tensors;
  }
  return snapshot;
}

}  // namespace lockstep::checkpoint
