#include "lockstep/checkpoint/snapshot_folder.h"

#include <algorithm>
#include <system_error>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/inspection.h"
#include "lockstep/checkpoint/manifest.h"
#include "lockstep/checkpoint/whole_folder.h"

namespace lockstep::checkpoint {
namespace {

namespace fs = std::filesystem;

/// Of a snapshot as it lies there, without those of its state.
std::vector<FileSum> sums_of_tensors(const fs::path& folder) {
  std::vector<FileSum> sums;
  if (auto manifest = read_manifest(folder)) {
    sums = std::move(manifest->files);
    std::erase_if(sums, [](const FileSum& sum) { return sum.name == kStateFile; });
    return sums;
  }
  for (const char* name : {kModelFile, kEmaFile, kOptimizerFile}) {
    if (fs::exists(folder / name)) {
      sums.push_back(sum_of(folder / name));
    }
  }
  return sums;
}

/// Moves a folder aside that lies where a file is to be written.
void make_way(const fs::path& file) {
  if (!fs::is_directory(fs::symlink_status(file))) {
    return;
  }
  fs::path aside;
  for (int number = 1; aside.empty() || fs::exists(aside); ++number) {
    aside = text(file.string(), ".folder-", number);
  }
  rename_folder(file, aside);
  log::warn(text("'", file.string(), "' was a folder; it is now '", aside.string(), "'"));
}

std::int64_t in_megabytes(std::uint64_t bytes) {
  constexpr std::uint64_t kMegabyte = 1'000'000;
  return static_cast<std::int64_t>((bytes + kMegabyte / 2) / kMegabyte);
}

}  // namespace

SnapshotFolder::SnapshotFolder(const fs::path& run_folder)
    : run_folder_(run_folder), folder_(run_folder / "checkpoints") {}

template <typename Fill>
fs::path SnapshotFolder::replace(std::int64_t step, const Fill& fill) const {
  const fs::path folder = folder_ / snapshot_name(step);
  fs::path aside = folder;
  aside += kPartialSuffix;
  remove_folder(aside);
  make_directories(aside);
  try {
    fill(aside);
    flush_directory(aside);
  } catch (...) {
    remove_folder(aside);
    throw;
  }
  if (fs::exists(folder)) {
    put_in_place_of(folder, aside);
  } else {
    rename_folder(aside, folder);
    flush_directory(folder_);
  }
  return folder;
}

fs::path SnapshotFolder::write(const Snapshot& snapshot) const {
  return replace(snapshot.state.step, [&](const fs::path& aside) {
    write_snapshot(aside, snapshot);
    for (const auto& entry : fs::directory_iterator(aside)) {
      drop_from_memory(entry.path());
    }
    if (const auto damage = inspect(aside).damage) {
      throw MachineError(text("the disk does not give back what was written to it: ", *damage),
                         "look at the disk, and give a --checkpoint-dir on another one");
    }
  });
}

fs::path SnapshotFolder::amend(const State& state) const {
  const fs::path folder = folder_ / snapshot_name(state.step);
  if (!fs::is_directory(folder)) {
    throw MachineError(text("'", folder.string(), "' has gone"), "leave the run folder alone while a run goes on");
  }
  try {
    std::vector<FileSum> sums = sums_of_tensors(folder);
    return replace(state.step, [&](const fs::path& aside) {
      for (const FileSum& sum : sums) {
        link_file(folder / sum.name, aside / sum.name);
      }
      write_state(aside, state, std::move(sums));
      load_state(aside);
    });
  } catch (const DataError& error) {
    throw MachineError(text("cannot amend '", folder.string(), "': ", error.problem()), "look at the disk");
  }
}

void SnapshotFolder::point(const fs::path& snapshot, bool is_best) const {
  const std::string name = snapshot.filename().string() + "\n";
  // `best` first: killed between the two, the run repeats the steps since the snapshot before and finds this best
  // again.
  if (is_best) {
    make_way(folder_ / "best");
    write_file_atomically(folder_ / "best", name);
  }
  make_way(folder_ / "last");
  write_file_atomically(folder_ / "last", name);
}

fs::path SnapshotFolder::save(const Snapshot& snapshot, bool is_best, int keep) const {
  const fs::path folder = write(snapshot);
  point(folder, is_best);
  retain(keep);
  return folder;
}

std::vector<fs::path> SnapshotFolder::all() const {
  std::vector<fs::path> snapshots;
  std::error_code error;  // no folder: no snapshots
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (step_of(entry.path()) && entry.is_directory()) {
      snapshots.push_back(entry.path());
    }
  }
  std::ranges::sort(snapshots, std::greater<>(), step_of);
  return snapshots;
}

bool SnapshotFolder::has_any() const { return fs::exists(folder_ / "last") || !all().empty(); }

std::optional<fs::path> SnapshotFolder::named(const std::string& pointer) const {
  if (!fs::exists(folder_ / pointer)) {
    return std::nullopt;
  }
  if (fs::is_directory(folder_ / pointer)) {
    throw DataError(text("'", (folder_ / pointer).string(), "' is a folder, and not a file that names a snapshot"),
                    "put a file with the name of a snapshot beside it in its place, or start anew with --fresh");
  }
  std::string name = read_text(folder_ / pointer);
  name.erase(name.find_last_not_of(" \r\n") + 1);
  if (!step_of(name) || !fs::is_directory(folder_ / name)) {
    throw DataError(text("'", (folder_ / pointer).string(), "' names '", name, "', and there is no such snapshot"),
                    "write the name of another snapshot beside it into that file, or start anew with --fresh");
  }
  return folder_ / name;
}

/// Newest first.
std::vector<fs::path> SnapshotFolder::removable() const {
  std::vector<fs::path> snapshots = all();
  for (const char* pointer : {"last", "best"}) {
    try {
      std::erase(snapshots, named(pointer).value_or(""));
    } catch (const DataError&) {  // it names none, and so protects none
    }
  }
  return snapshots;
}

void SnapshotFolder::retain(int keep) const {
  std::vector<fs::path> newest = all();
  newest.resize(std::min(newest.size(), static_cast<std::size_t>(keep)));
  for (const fs::path& snapshot : removable()) {
    if (!std::ranges::count(newest, snapshot)) {
      remove_snapshot(snapshot);
    }
  }
}

std::uint64_t SnapshotFolder::room() const {
  make_directories(folder_);
  return free_bytes(folder_);
}

void SnapshotFolder::make_room(std::uint64_t needed, std::uint64_t room) const {
  std::uint64_t gained = room;
  std::vector<fs::path> to_remove;
  for (std::vector<fs::path> snapshots = removable(); gained < needed; snapshots.pop_back()) {
    if (snapshots.empty()) {
      throw MachineError(text("the disk of '", folder_.string(), "' is nearly full: ", in_megabytes(needed),
                              " MB are needed, ", in_megabytes(room), " MB are free"),
                         "free some space");
    }
    gained += bytes_in(snapshots.back());
    to_remove.push_back(snapshots.back());
  }
  for (const fs::path& snapshot : to_remove) {
    log::warn(text("'", snapshot.string(), "' is removed, to make room for a new snapshot"));
    remove_snapshot(snapshot);
  }
}

void SnapshotFolder::recover() const {
  take_back_replaced(folder_);
  remove_half_written(folder_);
  remove_half_written(run_folder_);
}

std::optional<SnapshotFolder::Choice> SnapshotFolder::choose() const {
  Choice choice;
  std::vector<fs::path> candidates = all();
  try {
    if (const auto preferred = last()) {
      const auto place = std::ranges::find(candidates, *preferred);
      std::reverse(candidates.begin(), place);  // of those after it, the first ones
      std::rotate(candidates.begin(), place, candidates.end());
    }
  } catch (const DataError& error) {
    choice.passed_over.push_back(error.problem());
  }
  for (const fs::path& candidate : candidates) {
    const auto damage = inspect(candidate).damage;
    if (!damage) {
      choice.folder = candidate;
      return choice;
    }
    choice.passed_over.push_back(*damage);
  }
  if (choice.passed_over.empty()) {
    return std::nullopt;
  }
  throw DataError(text("no snapshot in '", folder_.string(), "' is whole: ", choice.passed_over.front()),
                  "put back a copy of one, or start anew with --fresh");
}

fs::path best_weights(const fs::path& run_folder) {
  const SnapshotFolder snapshots(run_folder);
  const auto weights_in = [](const fs::path& folder) { return fs::exists(folder / kEmaFile) ? kEmaFile : kModelFile; };
  try {
    if (const auto best = snapshots.best()) {
      const auto damage = damage_of(*best, weights_in(*best));
      if (!damage) {
        return *best / weights_in(*best);
      }
      log::warn(text(*damage, "; the weights of another snapshot are taken for the best"));
    }
  } catch (const DataError& error) {
    log::warn(text(error.problem(), "; the weights of another one are taken for the best"));
  }
  if (const auto choice = snapshots.choose()) {
    return choice->folder / weights_in(choice->folder);
  }
  if (fs::exists(run_folder / kModelFile)) {
    return run_folder / kModelFile;  // the snapshots were removed to save room
  }
  throw DataError(text("the run in '", run_folder.string(), "' has no weights yet"),
                  "train until the end of the first epoch, or give another --checkpoint-dir");
}

}  // namespace lockstep::checkpoint
