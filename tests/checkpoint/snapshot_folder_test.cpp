#include "lockstep/checkpoint/snapshot_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <limits>
#include <set>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/checkpoint/inspection.h"
#include "lockstep/checkpoint/manifest.h"
#include "tests/checkpoint/small_snapshot.h"
#include "tests/support/logged_lines.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::snapshot_folder_test {
namespace {

namespace fs = std::filesystem;
using test::TempFolder;
using testing::HasSubstr;
using Names = std::set<std::string>;

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

TEST(SnapshotFolder, GoesOnFromTheNewestWhereAFolderLiesInThePlaceOfTheNames) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  snapshots.save(snapshot_at(1), true, 5);
  snapshots.save(snapshot_at(2), false, 5);
  for (const char* pointer : {"last", "best"}) {
    fs::remove(run / "checkpoints" / pointer);
    fs::create_directories(run / "checkpoints" / pointer / "inside");
  }
  EXPECT_THROW(snapshots.last(), DataError);
  EXPECT_THROW(snapshots.best(), DataError);
  const auto choice = snapshots.choose();
  ASSERT_TRUE(choice.has_value());
  EXPECT_EQ(choice->folder, run / "checkpoints/step-00000002");
  ASSERT_EQ(choice->passed_over.size(), 1U);
  EXPECT_THAT(choice->passed_over[0], HasSubstr("checkpoints/last' is a folder"));
  const test::LoggedLines lines;
  snapshots.point(choice->folder, /*is_best=*/true);
  EXPECT_EQ(snapshots.last(), choice->folder);
  EXPECT_EQ(snapshots.best(), choice->folder);
  EXPECT_THAT(lines.text(), HasSubstr("was a folder; it is now '" + (run / "checkpoints/last.folder-1").string()));
  EXPECT_TRUE(fs::is_directory(run / "checkpoints/last.folder-1/inside"));
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

TEST(SnapshotFolder, AKillBetweenTheTwoRenamesLosesNothing) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.save(snapshot_at(3), false, 2);
  fs::rename(folder, run / "checkpoints/step-00000003.replaced");
  fs::create_directory(run / "checkpoints/step-00000003.partial");
  snapshots.recover();
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003", "last"}));
  EXPECT_EQ(snapshots.choose().value().folder, folder);
}

TEST(SnapshotFolder, AKillAfterTheTwoRenamesLeavesTheNewOne) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.save(snapshot_at(3), false, 2);
  fs::create_directory(run / "checkpoints/step-00000003.replaced");
  snapshots.recover();
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003", "last"}));
  EXPECT_EQ(inspect(folder).damage, std::nullopt);
}

TEST(SnapshotFolder, WhatKilledSavesLeftIsRemovedAndNothingElse) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  snapshots.recover();  // before there is anything
  snapshots.save(snapshot_at(3), false, 2);
  fs::create_directory(run / "checkpoints/step-00000007.partial");
  write_file_atomically(run / "checkpoints/step-00000007.partial/model.safetensors", "torn");
  for (const char* file : {"checkpoints/last.4711.partial", "model.safetensors.1.partial", "mine.partial", "notes"}) {
    write_file_atomically(run / file, "words");
  }
  fs::create_directory(run / "mine.12.partial");
  snapshots.recover();
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003", "last"}));
  EXPECT_EQ(names_in(run.path()), (Names{"checkpoints", "mine.partial", "mine.12.partial", "notes"}));
}

TEST(SnapshotFolder, AmendWritesNoTensors) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  Snapshot saved = snapshot_at(3);
  saved.ema = saved.model;
  const auto folder = snapshots.write(saved);
  const fs::path before = run / "before";
  fs::create_hard_link(folder / kModelFile, before);
  saved.state.best = Best{"iou", 0.5, 3};
  EXPECT_EQ(snapshots.amend(saved.state), folder);
  EXPECT_TRUE(fs::equivalent(folder / kModelFile, before)) << "written anew";
  EXPECT_EQ(inspect(folder).damage, std::nullopt);
  EXPECT_EQ(load_snapshot(folder).state.best.value().value, 0.5);
  expect_same(load_snapshot(folder).ema, saved.ema);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003"}));
}

TEST(SnapshotFolder, AmendKeepsSumsThatTellDamageOfTheTensors) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.write(snapshot_at(3));
  flip_a_bit(folder / kModelFile);
  snapshots.amend(snapshot_at(3).state);
  EXPECT_THAT(inspect(folder).damage.value_or("whole"), HasSubstr(kModelFile));
}

TEST(SnapshotFolder, AmendGivesOneBeforeManifestsItsSums) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.write(snapshot_at(3));
  fs::remove(folder / kManifestFile);
  snapshots.amend(snapshot_at(3).state);
  EXPECT_EQ(inspect(folder).damage, std::nullopt);
  EXPECT_TRUE(inspect(folder).has_sums);
}

TEST(SnapshotFolder, WhatDoesNotReadBackTakesNobodysPlace) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.write(snapshot_at(3));
  Snapshot other = snapshot_at(3);
  other.model[0].second.fill_(-1);
  other.state.elapsed_seconds = std::numeric_limits<double>::infinity();  // JSON has no such number
  EXPECT_THROW(snapshots.write(other), MachineError);
  expect_same(load_snapshot(folder).model, snapshot_at(3).model);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000003"}));
}

TEST(SnapshotFolder, RoomIsMadeByTheOldestThatAreNeitherLastNorBest) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  for (std::int64_t step = 1; step <= 4; ++step) {
    snapshots.save(snapshot_at(step), step == 1, /*keep=*/9);
  }
  snapshots.make_room(1000, 1000);
  EXPECT_EQ(snapshots.all().size(), 4U);
  snapshots.make_room(1001, 1000);
  EXPECT_EQ(names_in(run / "checkpoints"), (Names{"step-00000001", "step-00000003", "step-00000004", "last", "best"}));
  EXPECT_THROW(snapshots.make_room(1'000'000, 1000), MachineError);
  EXPECT_EQ(snapshots.all().size(), 3U);
}

TEST(SnapshotFolder, APointerThatNamesNothingDoesNotStopASave) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  write_file_atomically(run / "notes", "");
  snapshots.save(snapshot_at(1), true, 1);
  write_file_atomically(run / "checkpoints/best", "step-00000099\n");
  EXPECT_NO_THROW(snapshots.save(snapshot_at(2), false, 1));
}

/// What can happen to a snapshot, by name.
struct Damage {
  const char* name;
  std::function<void(const fs::path&)> inflict;
};

class Choosing : public testing::TestWithParam<Damage> {
 protected:
  Choosing() {
    for (const std::int64_t step : {1, 2, 3}) {
      snapshots_.save(snapshot_at(step), step == 1, /*keep=*/9);
    }
  }

  void damage(std::int64_t step) const { GetParam().inflict(folder(step)); }
  fs::path folder(std::int64_t step) const { return run_ / "checkpoints" / snapshot_name(step); }

  TempFolder run_;
  SnapshotFolder snapshots_{run_.path()};
};

TEST_P(Choosing, TakesTheOneBeforeADamagedNewestAndSaysWhy) {
  damage(3);
  const auto choice = snapshots_.choose().value();
  EXPECT_EQ(choice.folder, folder(2));
  ASSERT_FALSE(choice.passed_over.empty());
  EXPECT_THAT(choice.passed_over.front(), HasSubstr("checkpoints/"));
}

TEST_P(Choosing, DoesNotMindADamagedOlderOne) {
  damage(1);
  const auto choice = snapshots_.choose().value();
  EXPECT_EQ(choice.folder, folder(3));
  EXPECT_THAT(choice.passed_over, testing::IsEmpty());
}

TEST_P(Choosing, RefusesWhereAllAreDamaged) {
  for (const std::int64_t step : {1, 2, 3}) {
    damage(step);
  }
  EXPECT_THROW(snapshots_.choose(), DataError);
}

TEST_P(Choosing, WeightsOfADamagedBestAreNotTaken) {
  damage(1);
  const fs::path taken = best_weights(run_.path());
  EXPECT_TRUE(taken == folder(3) / kModelFile || damage_of(folder(1), kModelFile) == std::nullopt) << taken;
}

INSTANTIATE_TEST_SUITE_P(
    Snapshots, Choosing,
    testing::Values(Damage{"Cut",
                           [](const fs::path& folder) {
                             fs::resize_file(folder / kOptimizerFile, fs::file_size(folder / kOptimizerFile) / 2);
                           }},
                    Damage{"FlippedBit", [](const fs::path& folder) { flip_a_bit(folder / kModelFile); }},
                    Damage{"Renamed", [](const fs::path& folder) { fs::rename(folder, folder.string() + "9"); }},
                    Damage{"MissingFile", [](const fs::path& folder) { fs::remove(folder / kStateFile); }},
                    Damage{"AbsurdHeader",
                           [](const fs::path& folder) {
                             fs::remove(folder / kManifestFile);
                             write_file_atomically(folder / kModelFile, std::string(64, '\xff'));
                           }}),
    [](const auto& chosen) { return chosen.param.name; });

TEST(SnapshotFolder, ChoosesNothingWhereThereIsNothing) {
  const TempFolder run;
  EXPECT_FALSE(SnapshotFolder(run.path()).choose().has_value());
  EXPECT_FALSE(SnapshotFolder(run.path()).has_any());
}

TEST(SnapshotFolder, ChoosesTheNewestWhereAKillCameBeforeItWasNamed) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  const auto folder = snapshots.write(snapshot_at(2));
  EXPECT_TRUE(snapshots.has_any());
  EXPECT_EQ(snapshots.choose().value().folder, folder);
}

TEST(SnapshotFolder, PrefersTheOnesBeforeTheLastToThoseAfterIt) {
  const TempFolder run;
  const SnapshotFolder snapshots(run.path());
  for (const std::int64_t step : {1, 2, 3, 8, 9}) {
    snapshots.save(snapshot_at(step), false, 9);
  }
  // A person has gone back to step 3.
  write_file_atomically(run / "checkpoints/last", "step-00000003\n");
  for (const std::int64_t next : {3, 2, 1, 8, 9}) {
    const auto chosen = snapshots.choose().value().folder;
    EXPECT_EQ(step_of(chosen), next);
    flip_a_bit(chosen / kOptimizerFile);
  }
  EXPECT_THROW(snapshots.choose(), DataError);
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
