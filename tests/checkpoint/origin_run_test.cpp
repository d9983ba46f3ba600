#include "lockstep/checkpoint/origin_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "tests/checkpoint/small_snapshot.h"
#include "tests/support/logged_lines.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::origin_run_test {
namespace {

using testing::HasSubstr;

std::string word_on(const std::filesystem::path& folder) {
  try {
    find_origin_run(folder);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

/// A run of three snapshots, of which that of step 2 has the best evaluation.
class AnOriginRun : public testing::Test {
 protected:
  AnOriginRun() {
    write_file_atomically(run() / kRecipeFile, std::string_view("seed = 1\n"));
    for (const std::int64_t step : {1, 2, 3}) {
      Snapshot snapshot = snapshot_at(step);
      if (step >= 2) {
        snapshot.state.best = Best{"iou", 0.5, 2};
      }
      snapshots_.save(snapshot, /*is_best=*/step == 2, /*keep=*/9);
    }
  }

  std::filesystem::path run() const { return from_.path(); }
  std::filesystem::path snapshot(std::int64_t step) const { return run() / "checkpoints" / snapshot_name(step); }
  SnapshotFolder taken() const { return SnapshotFolder(to_.path()); }

  test::TempFolder from_;
  test::TempFolder to_;
  SnapshotFolder snapshots_{from_.path()};
};

TEST_F(AnOriginRun, IsTakenUpFromItsLastSnapshotWithTheBestBesideIt) {
  const OriginRun origin = find_origin_run(run() / "");
  EXPECT_EQ(origin.snapshot, snapshot(3));
  EXPECT_EQ(origin.recipe(), run() / kRecipeFile);
  take_up(origin, RunFolder(to_.path()));
  EXPECT_EQ(taken().last()->filename(), snapshot_name(3));
  EXPECT_EQ(taken().best()->filename(), snapshot_name(2));
  EXPECT_EQ(taken().all().size(), 2U);
  for (const std::int64_t step : {2, 3}) {
    for (const std::string& file : names_in(snapshot(step))) {
      EXPECT_EQ(read_file(to_ / "checkpoints" / snapshot_name(step) / file), read_file(snapshot(step) / file)) << file;
    }
  }
}

TEST_F(AnOriginRun, MayBeOneOfItsSnapshots) {
  const OriginRun origin = find_origin_run(snapshot(2));
  EXPECT_EQ(origin.best, snapshot(2));
  take_up(origin, RunFolder(to_.path()));
  EXPECT_EQ(taken().last()->filename(), snapshot_name(2));
  EXPECT_EQ(taken().best()->filename(), snapshot_name(2));
  take_up(find_origin_run(snapshot(1)), RunFolder(to_ / "other"));
  EXPECT_EQ(SnapshotFolder(to_ / "other").best(), std::nullopt);
}

TEST_F(AnOriginRun, WithoutItsBestSnapshotKnowsNoBest) {
  std::filesystem::copy(snapshot(3), to_ / "alone");
  const OriginRun origin = find_origin_run(to_ / "alone");
  EXPECT_EQ(origin.best, std::nullopt);
  EXPECT_EQ(origin.recipe(), std::nullopt);
  const test::LoggedLines lines;
  take_up(origin, RunFolder(to_.path()));
  EXPECT_THAT(lines.text(), HasSubstr("the best snapshot of the run, that of step 2, is not there or damaged"));
  EXPECT_EQ(load_state(*taken().last()).best, std::nullopt);
  EXPECT_EQ(taken().best(), std::nullopt);
}

TEST_F(AnOriginRun, WhereTheLastSnapshotIsDamagedIsTakenUpFromTheOneBefore) {
  flip_a_bit(snapshot(3) / kModelFile);
  const OriginRun origin = find_origin_run(run());
  EXPECT_EQ(origin.snapshot, snapshot(2));
  EXPECT_EQ(origin.passed_over.size(), 1U);
  EXPECT_THAT(word_on(snapshot(3)), HasSubstr("model.safetensors"));
}

TEST_F(AnOriginRun, IsNotJustAnyFolder) {
  EXPECT_THAT(word_on(to_.path()), HasSubstr("holds no run"));
  EXPECT_THAT(word_on("/nowhere"), HasSubstr("holds no run"));
}

}  // namespace
}  // namespace lockstep::checkpoint::origin_run_test
