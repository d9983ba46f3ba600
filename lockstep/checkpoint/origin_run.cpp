#include "lockstep/checkpoint/origin_run.h"

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/inspection.h"
#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {
namespace {

/// "runs/mine" of "runs/mine/checkpoints/step-00000800", where a run is there.
std::filesystem::path run_around(const std::filesystem::path& snapshot) {
  const std::filesystem::path run = snapshot.parent_path().parent_path();
  return std::filesystem::exists(run / kRecipeFile) ? run : std::filesystem::path();
}

std::optional<std::filesystem::path> best_beside(const std::filesystem::path& snapshot) {
  const State state = load_state(snapshot);
  if (!state.best || state.best->step == state.step) {
    return state.best ? std::optional(snapshot) : std::nullopt;
  }
  const std::filesystem::path folder = snapshot.parent_path() / snapshot_name(state.best->step);
  return inspect(folder).damage ? std::nullopt : std::optional(folder);
}

}  // namespace

std::optional<std::filesystem::path> OriginRun::recipe() const {
  return run_folder.empty() ? std::nullopt : std::optional(run_folder / kRecipeFile);
}

OriginRun find_origin_run(const std::filesystem::path& folder) {
  std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  path = path.has_filename() ? path : path.parent_path();  // "runs/mine/"
  OriginRun origin;
  if (std::filesystem::exists(path / kStateFile)) {
    if (const auto damage = inspect(path).damage) {
      throw DataError(*damage, "take another snapshot");
    }
    origin = {path, {}, best_beside(path), run_around(path)};
  } else if (const auto choice = SnapshotFolder(path).choose()) {
    origin = {choice->folder, choice->passed_over, best_beside(choice->folder), run_around(choice->folder)};
  } else {
    throw DataError(
        text("'", folder.string(), "' holds no run that could be taken up"),
        "give the run folder of a run that has left a snapshot, one of its snapshots, or a file of weights");
  }
  return origin;
}

void take_up(const OriginRun& origin, const RunFolder& into) {
  Snapshot snapshot = load_snapshot(origin.snapshot);
  if (snapshot.state.best && !origin.best) {
    log::warn(text("the best snapshot of the run, that of step ", snapshot.state.best->step,
                   ", is not there or damaged; from here on the best is that of later evaluations"));
    snapshot.state.best.reset();
  }
  const SnapshotFolder snapshots(into.path());
  const bool is_best = origin.best == origin.snapshot;
  if (origin.best && !is_best) {
    snapshots.point(snapshots.write(load_snapshot(*origin.best)), /*is_best=*/true);
  }
  snapshots.point(snapshots.write(snapshot), is_best);
}

}  // namespace lockstep::checkpoint
