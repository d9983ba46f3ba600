#include "lockstep/tune/diagnose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/tune/canned_task.h"
#include "lockstep/tune/table.h"
#include "tests/support/tiny_tasks.h"

namespace lockstep::tune {
namespace {

using testing::AllOf;
using testing::HasSubstr;

train::TrainOptions options_for(int ranks) {
  train::TrainOptions options;
  options.devices = "cpu:" + std::to_string(ranks);
  options.batch_size = 2;
  options.threads_per_rank = 1;
  options.num_workers = 1;
  options.precision = "fp32";
  options.watchdog_seconds = 60;
  return options;
}

constexpr DiagnoseOptions kShort{.seconds = 2};

TEST(Diagnose, NamesASlowRankAmongAllParts) {
  train::TrainOptions options = options_for(2);
  options.slow_rank = 1;
  options.slow_milliseconds = 60;  // a pass of the others takes some two
  const auto task = test::make_patch_task();
  const Diagnosis diagnosis = diagnose(*task, options, kShort);
  ASSERT_EQ(diagnosis.findings.seconds_alone.size(), 2U);
  EXPECT_GT(diagnosis.findings.seconds_alone[1], 0.060);
  ASSERT_FALSE(diagnosis.verdict.changes.empty());
  EXPECT_THAT(diagnosis.verdict.changes.front().problem, HasSubstr("rank 1 holds the other ranks back"));
  EXPECT_THAT(to_text(diagnosis),
              AllOf(HasSubstr("loading alone"), HasSubstr("all of it, 1 thread"), HasSubstr("one rank at a time"),
                    HasSubstr("data at hand"), HasSubstr("the whole loop"), HasSubstr("forward"),
                    HasSubstr("Rank 1 holds the other ranks back")));
  EXPECT_GT(to_json(diagnosis).at("loop").at("samples_per_second"), 0);
}

TEST(Diagnose, NamesALoadThatTheRanksWaitFor) {
  // Of waiting, not of work, so that it is the same on a machine with other things to do.
  const auto task = test::make_patch_task({.load_fault = [](const data::Draw&) {
    const WorkScope read("read");
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    return 0.0;
  }});
  const Diagnosis diagnosis = diagnose(*task, options_for(1), kShort);
  EXPECT_GT(diagnosis.findings.load.read_wait, 0.030);
  EXPECT_LT(diagnosis.loop.samples_per_second(), 30);  // one thread loads 25
  EXPECT_GT(diagnosis.at_hand.samples_per_second(), 30);
  ASSERT_FALSE(diagnosis.verdict.changes.empty());
  EXPECT_GT(diagnosis.loop.of_ranks[0][observe::Part::kWait], 0);
}

TEST(Diagnose, ThrowsWhatTheDatasetThrows) {
  const auto task = test::make_patch_task(
      {.load_fault = [](const data::Draw&) -> double { throw DataError("a bad file", "mend it"); }});
  EXPECT_THROW(diagnose(*task, options_for(1), kShort), DataError);
}

TEST(CannedTask, LoadsItsSamplesOnceAndHandsThemOut) {
  std::atomic<int> loads{0};
  const auto task = test::make_patch_task({.load_fault = [&](const data::Draw&) { return ++loads, 0.0; }});
  const auto canned = make_canned_task(*task, 3, /*seed=*/5);
  EXPECT_EQ(loads, 3);
  EXPECT_EQ(canned->training_set().size(), task->training_set().size());
  const data::Batch again = data::load_batch(canned->training_set(), {{5, 0, 1, 1}, {5, 7, 9, 4}});
  EXPECT_EQ(loads, 3);
  const data::Batch original = data::load_batch(task->training_set(), {{5, 0, 1, 1}, {5, 0, 1, 1}});
  EXPECT_TRUE(std::ranges::equal(again.fields, original.fields, [](const auto& one, const auto& other) {
    return std::ranges::equal(one, other);
  }));  // 4 modulo 3 is 1
}

}  // namespace
}  // namespace lockstep::tune
