#include "lockstep/checkpoint/snapshot_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <limits>
#include <mutex>
#include <thread>

#include "lockstep/checkpoint/inspection.h"
#include "tests/checkpoint/small_snapshot.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::snapshot_writer_test {
namespace {

using test::TempFolder;
using testing::AllOf;
using testing::HasSubstr;

/// While it lives, no file can grow beyond that many bytes: as if the disk were full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

class Writing : public testing::Test {
 protected:
  WriterOptions options(int keep = 2) {
    return {.keep = keep, .spare_bytes = 0, .told = [this](const SaveReport& report) {
              const std::lock_guard lock(mutex_);
              reports_.push_back(report);
            }};
  }

  std::vector<SaveReport> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }

  std::filesystem::path snapshot(const std::string& name) const { return run_ / ("checkpoints/" + name); }

  TempFolder run_;
  SnapshotFolder folder_{run_.path()};
  std::mutex mutex_;
  std::vector<SaveReport> reports_;
};

TEST_F(Writing, WritesWhatWasSavedAndTellsWhenItIsThere) {
  SnapshotWriter writer(folder_, options());
  writer.save(snapshot_at(7), /*is_best=*/true);
  writer.finish();
  EXPECT_FALSE(writer.is_busy());
  EXPECT_EQ(folder_.last(), snapshot("step-00000007"));
  EXPECT_EQ(folder_.best(), snapshot("step-00000007"));
  ASSERT_EQ(reports().size(), 1U);
  EXPECT_EQ(reports()[0].step, 7);
  EXPECT_EQ(reports()[0].folder, snapshot("step-00000007"));
  EXPECT_EQ(reports()[0].bytes, 6 * 4 + 3 * 4 + 6 * 4 + 8);
  EXPECT_FALSE(reports()[0].failure);
}

TEST_F(Writing, TheLoopMayGoOnWhileItWrites) {
  Snapshot run = snapshot_at(1);
  run.optimizer.emplace_back("large", at::ones({4'000'000}));
  SnapshotWriter writer(folder_, options());
  writer.save(run, false);
  for (auto& [name, tensor] : run.optimizer) {
    tensor.fill_(-1);
  }
  writer.finish();
  const Snapshot saved = load_snapshot(folder_.last().value());
  for (const auto& [name, tensor] : saved.optimizer) {
    EXPECT_FALSE(at::any(tensor < 0).item<bool>()) << name;
  }
}

TEST_F(Writing, ASecondSaveWaitsForTheFirst) {
  SnapshotWriter writer(folder_, options(5));
  for (std::int64_t step = 1; step <= 5; ++step) {
    writer.save(snapshot_at(step), step == 2);
  }
  writer.finish();
  EXPECT_EQ(reports().size(), 5U);
  for (const auto& folder : folder_.all()) {
    EXPECT_EQ(inspect(folder).damage, std::nullopt);
    EXPECT_EQ(load_snapshot(folder).model.at(0).second[0][0].item<double>(), step_of(folder));
  }
  EXPECT_EQ(folder_.best(), snapshot("step-00000002"));
}

TEST_F(Writing, OldOnesGoOnlyAfterTheNewOneIsWhole) {
  SnapshotWriter writer(folder_, options(1));
  writer.save(snapshot_at(1), false);
  writer.finish();
  Snapshot broken = snapshot_at(2);
  broken.state.elapsed_seconds = std::numeric_limits<double>::quiet_NaN();  // JSON has no such number
  writer.save(broken, false);
  EXPECT_THROW(writer.finish(), MachineError);
  EXPECT_EQ(names_in(run_ / "checkpoints"), (std::set<std::string>{"step-00000001", "last"}));
  writer.save(snapshot_at(3), false);
  writer.finish();
  EXPECT_EQ(names_in(run_ / "checkpoints"), (std::set<std::string>{"step-00000003", "last"}));
}

TEST_F(Writing, AFullDiskLeavesTheOldOnesAndTheWriterGoesOn) {
  SnapshotWriter writer(folder_, options(1));
  writer.save(snapshot_at(1), true);
  writer.finish();
  {
    const FullDisk full(100);
    writer.save(snapshot_at(2), true);
    EXPECT_THROW(writer.finish(), MachineError);
    EXPECT_NO_THROW(writer.finish()) << "told twice";
  }
  ASSERT_EQ(reports().size(), 2U);
  EXPECT_THAT(reports()[1].failure.value().what(), HasSubstr("model.safetensors"));
  EXPECT_EQ(reports()[1].folder, "");
  EXPECT_EQ(names_in(run_ / "checkpoints"), (std::set<std::string>{"step-00000001", "last", "best"}));
  EXPECT_EQ(inspect(folder_.last().value()).damage, std::nullopt);
  writer.save(snapshot_at(3), false);
  writer.finish();
  EXPECT_EQ(folder_.last(), snapshot("step-00000003"));
}

TEST_F(Writing, AFailureThatAnotherSaveFollowsEndsNothing) {
  SnapshotWriter writer(folder_, options());
  {
    const FullDisk full(100);
    writer.save(snapshot_at(1), false);
    writer.save(snapshot_at(2), false);
    EXPECT_FALSE(writer.finish_within(Seconds(60)));
  }
  writer.save(snapshot_at(3), false);
  EXPECT_TRUE(writer.finish_within(Seconds(60)));
}

TEST_F(Writing, ADiskWithoutRoomIsSeenBeforehandAndNothingIsTouched) {
  WriterOptions greedy = options(1);
  greedy.spare_bytes = 1ULL << 60;
  SnapshotWriter(folder_, options(5)).save(snapshot_at(1), false);
  SnapshotWriter(folder_, options(5)).save(snapshot_at(2), false);
  SnapshotWriter writer(folder_, greedy);
  writer.save(snapshot_at(3), false);
  EXPECT_FALSE(writer.is_busy(Seconds(60)));
  ASSERT_EQ(reports().size(), 3U);
  EXPECT_THAT(reports()[2].failure.value().what(), AllOf(HasSubstr("nearly full"), HasSubstr("free some space")));
  EXPECT_EQ(names_in(run_ / "checkpoints"), (std::set<std::string>{"step-00000001", "step-00000002", "last"}));
}

TEST_F(Writing, TheLastOneNeedsNoRoomForOthers) {
  WriterOptions greedy = options();
  greedy.spare_bytes = 1ULL << 60;
  SnapshotWriter writer(folder_, greedy);
  writer.save(snapshot_at(3), false);
  Snapshot run = snapshot_at(4);
  writer.save(run, false);
  run.state.best = Best{"iou", 0.5, 4};
  writer.amend(run.state, true);
  EXPECT_FALSE(writer.is_busy(Seconds(60)));
  EXPECT_TRUE(folder_.all().empty());
  writer.finish();
  EXPECT_EQ(folder_.all().size(), 1U);
  EXPECT_EQ(load_state(folder_.best().value()).best.value().value, 0.5);
  EXPECT_EQ(reports().size(), 4U);
  EXPECT_FALSE(reports().back().failure);
}

TEST_F(Writing, WhoLeavesLetsNothingMoreBeWritten) {
  SnapshotWriter writer(folder_, options());
  writer.save(snapshot_at(1), false);
  EXPECT_TRUE(writer.close_within(Seconds(60)));
  writer.save(snapshot_at(2), false);
  writer.amend(snapshot_at(1).state, true);
  writer.finish();
  EXPECT_EQ(reports().size(), 1U);
  EXPECT_EQ(names_in(run_ / "checkpoints"), (std::set<std::string>{"step-00000001", "last"}));
}

TEST_F(Writing, OthersMayAskAndCloseWhileItGoesOn) {
  SnapshotWriter writer(folder_, options());
  std::jthread other([&writer] {
    for (int i = 0; i < 1000; ++i) {
      writer.is_busy();
    }
    writer.close_within(Seconds(60));
  });
  for (std::int64_t step = 1; step <= 20; ++step) {
    Snapshot run = snapshot_at(step);
    writer.save(run, false);
    writer.amend(run.state, false);
  }
  other.join();
  writer.finish();
  for (const auto& folder : folder_.all()) {
    EXPECT_EQ(inspect(folder).damage, std::nullopt);
  }
}

TEST_F(Writing, AmendChangesTheStateOfWhatIsBeingWritten) {
  SnapshotWriter writer(folder_, options());
  Snapshot run = snapshot_at(4);
  writer.save(run, false);
  run.state.best = Best{"iou", 0.5, 4};
  writer.amend(run.state, true);
  writer.finish();
  EXPECT_EQ(load_state(folder_.best().value()).best.value().value, 0.5);
  EXPECT_EQ(inspect(folder_.best().value()).damage, std::nullopt);
  ASSERT_EQ(reports().size(), 2U);
  EXPECT_EQ(reports()[1].bytes, 0U);
}

TEST_F(Writing, AmendWritesAllWhereThatHadFailed) {
  SnapshotWriter writer(folder_, options());
  Snapshot run = snapshot_at(4);
  {
    const FullDisk full(100);
    writer.save(run, false);
    EXPECT_FALSE(writer.finish_within(Seconds(60)));
  }
  run.state.best = Best{"iou", 0.5, 4};
  writer.amend(run.state, true);
  writer.finish();
  const Snapshot saved = load_snapshot(folder_.best().value());
  EXPECT_EQ(saved.state.best.value().value, 0.5);
  EXPECT_EQ(saved.model.size(), 2U);
}

TEST_F(Writing, AmendOfASnapshotThatIsNotThereFails) {
  SnapshotWriter writer(folder_, options());
  writer.save(snapshot_at(4), false);
  writer.amend(snapshot_at(5).state, false);
  EXPECT_THROW(writer.finish(), MachineError);
  EXPECT_EQ(folder_.last(), snapshot("step-00000004"));
}

TEST_F(Writing, WhatTheListenerThrowsComesBackAtTheNextCall) {
  WriterOptions listening = options();
  listening.told = [](const SaveReport&) { throw MachineError("the log is full", ""); };
  SnapshotWriter writer(folder_, listening);
  writer.save(snapshot_at(1), false);
  EXPECT_THROW(writer.save(snapshot_at(2), false), MachineError);
  EXPECT_EQ(folder_.last(), snapshot("step-00000001"));
}

TEST_F(Writing, ItsEndWaitsForWhatIsBeingWritten) {
  SnapshotWriter(folder_, options()).save(snapshot_at(1), false);
  EXPECT_EQ(folder_.last(), snapshot("step-00000001"));
}

}  // namespace
}  // namespace lockstep::checkpoint::snapshot_writer_test
