#include "lockstep/train/run_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/train/all_devices.h"
#include "lockstep/train/autotune.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

/// What becomes of runs in which something stands still: as for ever, but let go once the program would have left.
namespace lockstep::train::run_watch_test {
namespace {

using test::TinyTaskOptions;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class Standstill : public testing::Test {
 protected:
  TrainOptions options(int ranks) const {
    TrainOptions options = options_in(folder_, ranks);
    options.watchdog_seconds = 4;
    return options;
  }

  /// What a disk does that does not answer.
  double stand_still() const {
    while (!released_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return 0;
  }

  /// The same for the samples of an epoch from that place of its order on.
  std::function<double(const data::Draw&)> stuck_from(std::uint64_t epoch, std::uint64_t position) {
    return [=, this](const data::Draw& draw) {
      return draw.epoch == epoch && draw.position >= position ? stand_still() : 0.0;
    };
  }

  RunHooks hooks() {
    return {.leave = [this](const std::exception_ptr& error, const std::function<void()>& last_words) {
      try {
        std::rethrow_exception(error);
      } catch (const UserError& told) {
        told_ = told.what();
        code_ = told.code();
      }
      last_words();
      if (checkpoint::SnapshotFolder(folder_.path()).has_any()) {
        saved_ = last_snapshot(folder_);
      }
      released_ = true;
    }};
  }

  RunEnd train_watched(const TinyTaskOptions& tiny, const TrainOptions& options) {
    const auto task = test::make_patch_task(tiny);
    const checkpoint::RunFolder folder(options.checkpoint_dir);
    return run(parallel::World(parallel::parse_devices(options.devices)), *task, options, &folder,
               nlohmann::json::object(), /*bad_samples=*/nullptr, hooks());
  }

  const TempFolder folder_;
  std::atomic<bool> released_ = false;
  std::string told_;
  std::optional<ExitCode> code_;
  std::optional<checkpoint::Snapshot> saved_;  ///< the last one, when the program would have left
};

TEST_F(Standstill, OfADiskIsToldWithWhatEachRankAndDecodeThreadIsAt) {
  TinyTaskOptions tiny;
  tiny.load_fault = stuck_from(1, kGlobalBatch);
  train_watched(tiny, options(2));
  EXPECT_EQ(code_, ExitCode::kTraining);
  EXPECT_THAT(told_,
              AllOf(StartsWith("nothing has moved for 4 s in rank 0, which is at: wait for data, rank 1, which is at: "
                               "wait for data, decode 0, which is at: decode patch-"),
                    HasSubstr("--watchdog")));
  EXPECT_EQ(saved_.value().state.step, 4);
  EXPECT_THAT(events(folder_, "end").at(0).at("reason").get<std::string>(),
              StartsWith("failed: nothing has moved for 4 s"));
}

TEST_F(Standstill, OfAllRanksLeavesTheLastGoodStateOnTheDisk) {
  TinyTaskOptions tiny;
  tiny.training_samples = 400;
  const TempFolder reference;
  TrainOptions stopped = options_in(reference, 2);
  stopped.ema_decay = 0.9;
  stopped.epochs = 1;
  stopped.max_steps = 50;
  train(*test::make_patch_task(tiny), stopped);

  tiny.load_fault = stuck_from(0, 60 * kGlobalBatch);
  TrainOptions options = this->options(2);
  options.ema_decay = 0.9;
  options.epochs = 1;
  train_watched(tiny, options);
  const checkpoint::Snapshot expected = last_snapshot(reference);
  EXPECT_EQ(saved_.value().state.step, 50);
  EXPECT_EQ(saved_->state.course.applied_in_a_row, 50);
  expect_same_tensors(saved_->model, expected.model);
  expect_same_tensors(saved_->ema, expected.ema);
  expect_same_tensors(saved_->optimizer, expected.optimizer);
}

TEST_F(Standstill, OfAllRanksTakesNoLaterSnapshotAway) {
  TinyTaskOptions tiny;
  tiny.training_samples = 400;
  tiny.load_fault = stuck_from(1, 0);  // 17 steps after the last good state was kept
  TrainOptions options = this->options(1);
  options.epochs = 2;
  train_watched(tiny, options);
  EXPECT_EQ(saved_.value().state.step, 67);
}

TEST_F(Standstill, OfAnEvaluationIsTold) {
  TinyTaskOptions tiny;
  tiny.evaluation_load_fault = [this](const data::Draw&) { return stand_still(); };
  train_watched(tiny, options(2));
  EXPECT_EQ(code_, ExitCode::kTraining);
  EXPECT_THAT(told_, AllOf(HasSubstr("wait for data"), HasSubstr("decode 0, which is at: decode patch-")));
  EXPECT_EQ(saved_.value().state.step, 4) << "an epoch is saved before it is evaluated";
}

TEST_F(Standstill, OfTheEndIsTold) {
  std::atomic<std::size_t> loads = 0;
  TinyTaskOptions tiny;
  tiny.evaluation_load_fault = [&](const data::Draw&) { return ++loads > 3 * 7 ? stand_still() : 0.0; };
  EXPECT_EQ(train_watched(tiny, options(2)), RunEnd::kFinished);
  EXPECT_THAT(told_, HasSubstr("rank 0, which is at: examples from sample 0"));
  EXPECT_EQ(saved_.value().state.step, 12);
}

TEST_F(Standstill, OfAReadThatNobodyWaitsForIsTold) {
  TinyTaskOptions tiny;
  tiny.load_fault = stuck_from(0, 2 * kGlobalBatch);  // decoded ahead, for a step that is not made
  TrainOptions options = this->options(1);
  options.max_steps = 2;
  train_watched(tiny, options);
  EXPECT_THAT(told_, AllOf(HasSubstr("the program, which is at: end of loading"), HasSubstr("decode 0, which is at")));
}

TEST_F(Standstill, AfterAnErrorLeavesTheWordToTheError) {
  TinyTaskOptions tiny;
  tiny.load_fault = [this](const data::Draw& draw) {
    if (draw.epoch == 1 && draw.position == 0) {
      throw DataError("'a.png' is broken", "mend it");
    }
    return draw.epoch == 1 && draw.position == 1 ? stand_still() : 0.0;
  };
  TrainOptions options = this->options(1);
  options.batch_size = 1;
  options.num_workers = 2;
  EXPECT_THROW(train_watched(tiny, options), DataError);
  EXPECT_EQ(code_, ExitCode::kData);
  EXPECT_THAT(told_, HasSubstr("'a.png' is broken"));
}

TEST_F(Standstill, OfAutotuneIsTold) {
  TinyTaskOptions tiny;
  tiny.load_fault = [this](const data::Draw&) { return stand_still(); };
  TrainOptions options = this->options(2);
  options.threads_per_rank.reset();
  data::BadSamples bad_samples(0);
  autotune(parallel::World(parallel::parse_devices(options.devices)), *test::make_patch_task(tiny), options,
           bad_samples, hooks());
  EXPECT_THAT(told_, HasSubstr("in rank 0, which is at: wait for data, rank 1, which is at: wait for data"));
}

TEST_F(Standstill, OfRanksThatDoNotTrainIsTold) {
  on_all_devices(options(2), hooks(), [&](parallel::Rank&, data::DecodePool&) {
    const ProbeScope probe("prediction");
    stand_still();
  });
  EXPECT_THAT(told_, HasSubstr("in rank 0, which is at: prediction, rank 1, which is at: prediction"));
}

}  // namespace
}  // namespace lockstep::train::run_watch_test
