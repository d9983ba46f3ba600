#include "lockstep/checkpoint/snapshot_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <set>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::snapshot_folder_test {
namespace {

using test::TempFolder;
using testing::HasSubstr;
using Names = std::set<std::string>;

Snapshot snapshot_at(std::int64_t step) {
  Snapshot snapshot;
  snapshot.state.step = step;
  snapshot.model = {{"weight", at::full({2, 3}, static_cast<double>(step))}, {"bias", at::arange(3, at::kFloat)}};
  snapshot.optimizer = {{"weight.moment", at::full({2, 3}, 0.5)}, {"weight.steps", at::full({}, step, at::kLong)}};
  return snapshot;
}

Names names_in(const std::filesystem::path& folder) {
  Names names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename());
  }
  return names;
}

void expect_same(const NamedTensors& some, const NamedTensors& others) {
  const std::map<std::string, at::Tensor> by_name(others.begin(), others.end());
  ASSERT_EQ(some.size(), others.size());
  for (const auto& [name, tensor] : some) {
    EXPECT_TRUE(at::equal(tensor, by_name.at(name))) << name;
  }
}

TEST(SnapshotFolder, GivesBackWhatWasSaved) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const Snapshot saved = snapshot_at(12);
  const auto folder = snapshots.save(saved, /*is_best=*/false, /*keep=*/2);
  EXPECT_EQ(folder, run / "checkpoints/step-00000012");
  const Snapshot loaded = load_snapshot(folder);
  EXPECT_EQ(loaded.state.step, 12);
  expect_same(saved.model, loaded.model);
  expect_same(saved.optimizer, loaded.optimizer);
}

TEST(SnapshotFolder, TheAveragedWeightsAreTheBestWhereThereAreSuch) {
  const TempFolder run;
  Snapshot saved = snapshot_at(12);
  saved.ema = {{"weight", at::ones({2, 3})}, {"bias", at::ones({3})}};
  const auto folder = SnapshotFolder(run.path()).save(saved, /*is_best=*/true, /*keep=*/2);
  expect_same(saved.ema, load_snapshot(folder).ema);
  EXPECT_EQ(best_weights(run.path()), folder / "ema.safetensors");
}

TEST(SnapshotFolder, NamesTheLastAndTheBest) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  EXPECT_FALSE(snapshots.last().has_value());
  EXPECT_FALSE(snapshots.best().has_value());
  snapshots.save(snapshot_at(1), true, 5);
  snapshots.save(snapshot_at(2), false, 5);
  EXPECT_EQ(snapshots.last(), run / "checkpoints/step-00000002");
  EXPECT_EQ(snapshots.best(), run / "checkpoints/step-00000001");
}

TEST(SnapshotFolder, KeepsTheNewestAndTheBest) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  for (std::int64_t step = 1; step <= 6; ++step) {
    snapshots.save(snapshot_at(step), step == 2, /*keep=*/2);
  }
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000002", "step-00000005", "step-00000006", "last", "best"}));
}

TEST(SnapshotFolder, KeepsTheLastThoughOthersHaveHigherNumbers) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  for (const std::int64_t step : {2, 8, 9}) {
    snapshots.save(snapshot_at(step), false, /*keep=*/5);
  }
  // A person has gone back to step 2, and the run has made a step from there.
  write_file_atomically(run / "checkpoints/last", "step-00000002\n");
  snapshots.save(snapshot_at(3), false, /*keep=*/2);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003", "step-00000008", "step-00000009", "last"}));
  EXPECT_EQ(load_snapshot(snapshots.last().value()).state.step, 3);
}

TEST(SnapshotFolder, ReplacesASnapshotOfTheSameStep) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  snapshots.save(snapshot_at(3), false, 2);
  Snapshot other = snapshot_at(3);
  other.model[0].second.fill_(-1);
  expect_same(load_snapshot(snapshots.save(other, false, 2)).model, other.model);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003", "last"}));
}

TEST(SnapshotFolder, WhatAKilledSaveLeftBehindDoesNoHarm) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  snapshots.save(snapshot_at(1), false, 2);
  make_directories(run / "checkpoints/step-00000002.partial");
  write_file_atomically(run / "checkpoints/step-00000002.partial/model.safetensors", "torn");
  EXPECT_EQ(snapshots.last(), run / "checkpoints/step-00000001");
  EXPECT_EQ(load_snapshot(snapshots.save(snapshot_at(2), false, 2)).state.step, 2);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000001", "step-00000002", "last"}));
}

TEST(SnapshotFolder, ADamagedPointerIsAnErrorThatNamesIt) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  snapshots.save(snapshot_at(1), false, 2);
  for (const char* content : {"", "step-00000099\n", "../elsewhere\n", "\0\0\0"}) {
    write_file_atomically(run / "checkpoints/last", std::string_view(content));
    try {
      snapshots.last();
      ADD_FAILURE() << "taken: " << content;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("checkpoints/last"));
    }
  }
}

TEST(SnapshotFolder, AnIncompleteSnapshotIsAnErrorThatNamesTheFile) {
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const TempFolder run;
    const auto folder = SnapshotFolder(run.path()).save(snapshot_at(1), false, 2);
    const std::string whole = read_text(folder / file);
    write_file_atomically(folder / file, std::string_view(whole).substr(0, whole.size() / 2));
    for (const bool is_there : {true, false}) {
      try {
        load_snapshot(folder);
        ADD_FAILURE() << file << " was taken";
      } catch (const DataError& error) {
        EXPECT_THAT(error.what(), HasSubstr(file)) << is_there;
      }
      std::filesystem::remove(folder / file);
    }
  }
}

TEST(SnapshotFolder, AFolderThatCannotBeWrittenIsAnErrorOfTheMachine) {
  const TempFolder run;
  write_file_atomically(run / "checkpoints", "a file stands where the folder should be");
  EXPECT_THROW(SnapshotFolder(run.path()).save(snapshot_at(1), false, 2), MachineError);
}

TEST(BestWeights, AreThoseOfTheBestSnapshotElseOfTheLastElseOfTheRunFolder) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  write_file_atomically(run / kModelFile, "weights");
  EXPECT_EQ(best_weights(run.path()), run / kModelFile);
  snapshots.save(snapshot_at(1), false, 5);
  snapshots.save(snapshot_at(2), false, 5);
  EXPECT_EQ(best_weights(run.path()), run / "checkpoints/step-00000002/model.safetensors");
  snapshots.save(snapshot_at(3), true, 5);
  snapshots.save(snapshot_at(4), false, 5);
  EXPECT_EQ(best_weights(run.path()), run / "checkpoints/step-00000003/model.safetensors");
}

TEST(BestWeights, OfARunWithoutAnyIsAnErrorThatNamesItsFolder) {
  const TempFolder run;
  try {
    best_weights(run.path());
    ADD_FAILURE() << "there were weights";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr(run.path().string()));
  }
}

}  // namespace
}  // namespace lockstep::checkpoint::snapshot_folder_test
