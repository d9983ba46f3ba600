#include "lockstep/tune/diagnose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/tune/canned_task.h"
#include "lockstep/tune/table.h"
#include "tests/support/logged_lines.h"
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
  EXPECT_THAT(diagnosis.verdict.cause, HasSubstr("rank 1 holds the other ranks back"));
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

/// Patches that take long to load, but for those that were loaded before.
class SlowPatches : public data::Dataset {
 public:
  explicit SlowPatches(const data::Dataset& samples) : samples_(samples) {}

  std::size_t size() const override { return samples_.size(); }
  const std::vector<data::Field>& layout() const override { return samples_.layout(); }
  std::string name(std::size_t index) const override { return samples_.name(index); }
  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    const bool is_new = [&] {
      const std::lock_guard lock(mutex_);
      return kept_.insert(draw.index).second;
    }();
    const WorkScope read("read");
    std::this_thread::sleep_for(std::chrono::milliseconds(is_new ? 40 : 1));
    samples_.load(draw, slot);
  }

 private:
  const data::Dataset& samples_;
  mutable std::mutex mutex_;
  mutable std::set<std::uint64_t> kept_;
};

/// Claims to hold so many bytes.
class FullStorage : public data::PixelStorage {
 public:
  FullStorage(std::uint64_t used, std::uint64_t limit) : used_(used), limit_(limit) {}

  std::unique_ptr<data::PixelCache> open(std::span<const data::ImageMaskPair>, const std::string&) override {
    return nullptr;
  }
  std::uint64_t used() const override { return used_; }
  std::uint64_t limit() const override { return limit_; }
  std::string describe() const override { return "nowhere"; }

 private:
  std::uint64_t used_;
  std::uint64_t limit_;
};

TEST(Diagnose, TriesWhatACacheGivesWhereLoadingHoldsTheRanksBack) {
  const auto patches = test::make_patch_task({.training_samples = 1000});
  const auto slow = test::make_patch_task({.training_samples = 1000, .load_fault = [](const data::Draw&) {
                                             const WorkScope read("read");
                                             std::this_thread::sleep_for(std::chrono::milliseconds(40));
                                             return 0.0;
                                           }});
  const SlowPatches cached(patches->training_set());
  const FullStorage small(100, 1'000'000);
  const Diagnosis diagnosis = diagnose(*slow, options_for(1), {.seconds = 2, .cache = CachedSamples{cached, small}});
  ASSERT_TRUE(diagnosis.findings.cache.has_value());
  EXPECT_LT(diagnosis.findings.cache->load.seconds_alone, 0.030);
  EXPECT_EQ(diagnosis.findings.cache->limit, 1'000'000U);
  const auto change = std::ranges::find(diagnosis.verdict.changes, "--cache", &Change::flag);
  ASSERT_NE(change, diagnosis.verdict.changes.end());
  EXPECT_TRUE(change->was_tried);
  EXPECT_GT(change->foretold_per_second, 30);  // one thread loads 25 without
  EXPECT_THAT(diagnosis.verdict.cause, HasSubstr("the disk"));
  EXPECT_THAT(to_text(diagnosis), HasSubstr("from a cache in memory, 1 thread"));
  EXPECT_EQ(to_json(diagnosis).at("cause"), diagnosis.verdict.cause);

  const FullStorage huge(1'000'000, 1'000'000);
  const SlowPatches again(patches->training_set());
  const Diagnosis full = diagnose(*slow, options_for(1), {.seconds = 2, .cache = CachedSamples{again, huge}});
  EXPECT_GT(full.findings.cache->needed_bytes, full.findings.cache->limit);
  EXPECT_EQ(std::ranges::find(full.verdict.changes, "--cache", &Change::flag), full.verdict.changes.end());
}

TEST(Diagnose, ThrowsWhatTheDatasetThrows) {
  const auto task = test::make_patch_task(
      {.load_fault = [](const data::Draw&) -> double { throw DataError("a bad file", "mend it"); }});
  EXPECT_THROW(diagnose(*task, options_for(1), kShort), DataError);
}

TEST(Diagnose, AStepThatFailsIsNoSpeed) {
  const auto full = test::make_patch_task({.most_samples = 0});
  EXPECT_THROW(diagnose(*full, options_for(2), kShort), MachineError);
  const auto broken =
      test::make_patch_task({.disturbance = [](const data::Draw&) -> double { throw std::runtime_error("bad"); }});
  EXPECT_THROW(diagnose(*broken, options_for(1), kShort), TrainingError);
}

TEST(Diagnose, ABatchThatIsTooLargeForTheMemoryIsNotRecommended) {
  const test::LoggedLines log;
  const auto task = test::make_patch_task({.most_samples = 2});
  const Diagnosis diagnosis = diagnose(*task, options_for(1), {.seconds = 5});
  EXPECT_TRUE(diagnosis.findings.batches.empty());
  EXPECT_THAT(log.text(), HasSubstr("a batch of 4 is too large"));
}

TEST(Diagnose, LeavesOutAsManySamplesAsARunMay) {
  const test::LoggedLines log;
  const auto task = test::make_patch_task({.load_fault = [](const data::Draw& draw) -> double {
    return draw.index == 4 ? throw DataError("file 4 is empty", "restore it") : 0;
  }});
  train::TrainOptions options = options_for(1);
  options.max_bad_samples = 1;
  EXPECT_GT(diagnose(*task, options, kShort).loop.samples, 0);
  const std::string words = log.text();
  EXPECT_EQ(words.find("bad sample 1 of at most 1"), words.rfind("bad sample 1 of at most 1"));
  EXPECT_THAT(words, HasSubstr("is left out: file 4 is empty"));
}

TEST(Diagnose, LoadsNothingTwiceButTheSamplesAtHand) {
  constexpr std::uint64_t kAtHand = 16;
  std::mutex mutex;
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> loads;  // by epoch and position
  const auto task = test::make_patch_task({.training_samples = 20'000, .load_fault = [&](const data::Draw& draw) {
                                             std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                             const std::lock_guard lock(mutex);
                                             return ++loads[{draw.epoch, draw.position}], 0.0;
                                           }});
  const Diagnosis diagnosis = diagnose(*task, options_for(2), kShort);
  for (const auto& [place, count] : loads) {
    EXPECT_LE(count, place.second < kAtHand ? 2 : 1) << "epoch " << place.first << ", position " << place.second;
  }
  const auto measured = diagnosis.one_thread.samples + diagnosis.loop.samples;
  EXPECT_GT(loads.size(), static_cast<std::size_t>(measured));
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
