#include "lockstep/train/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <new>
#include <stdexcept>

#include "lockstep/base/error.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::retry_test {
namespace {

using test::TinyTaskOptions;
using testing::AllOf;
using testing::HasSubstr;

TEST(Pieces, AreAsEvenAsPossibleAndNoneIsTooLarge) {
  EXPECT_EQ(pieces(7, 0), (std::vector<data::Range>{{0, 7}}));
  EXPECT_EQ(pieces(7, 7), (std::vector<data::Range>{{0, 7}}));
  EXPECT_EQ(pieces(7, 3), (std::vector<data::Range>{{0, 2}, {2, 4}, {4, 7}}));
  EXPECT_EQ(pieces(2, 1), (std::vector<data::Range>{{0, 1}, {1, 2}}));
  EXPECT_EQ(pieces(0, 4), (std::vector<data::Range>{{0, 0}}));
}

TEST(SmallerMicroBatch, IsHalfOfTheLargestPassDownToOneSample) {
  const data::BatchPlan batches{.samples_per_epoch = 30, .global_batch = 20, .per_rank_batch = 8, .world_size = 2};
  EXPECT_EQ(smaller_micro_batch(0, batches, 0), 3) << "a rank's share of ten goes in two passes of five";
  EXPECT_EQ(smaller_micro_batch(0, batches, 1), 3) << "five are left for a rank";
  EXPECT_EQ(smaller_micro_batch(3, batches, 0), 2);
  EXPECT_EQ(smaller_micro_batch(2, batches, 0), 1);
  EXPECT_EQ(smaller_micro_batch(1, batches, 0), 0) << "there is nothing to be halved";
  EXPECT_EQ(smaller_micro_batch(64, batches, 0), 3) << "that of a machine with larger passes";
}

/// Both tiny tasks on one, two and four ranks, in steps of 12 samples and of 10, one pass a rank.
class Retries : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  static std::unique_ptr<tasks::Task> task(TinyTaskOptions options = {}) {
    return test::make_tiny_task(std::get<0>(GetParam()), std::move(options));
  }

  static int ranks() { return std::get<1>(GetParam()); }

  static TrainOptions options_for(const TempFolder& folder, const std::string& faults = "") {
    TrainOptions options = options_in(folder, ranks());
    options.batch_size = 12;
    options.global_batch = 12;
    options.faults = faults;
    return options;
  }

  /// What one step of plain descent at the rate 1 subtracts from the weights: the gradient.
  static at::Tensor gradient(const std::string& faults) {
    const TempFolder folder;
    TrainOptions options = options_for(folder, faults);
    options.optimizer = "sgd";
    options.momentum = 0;
    options.weight_decay = 0;
    options.clip_norm = 0;
    options.schedule.scheduler = "constant";
    options.schedule.learning_rate = 1;
    options.schedule.warmup_epochs = 0;
    options.max_steps = 1;
    train(*task(), options);
    EXPECT_EQ(events(folder, "retry").empty(), faults.empty());
    const auto before = task()->make_model(options.seed);
    std::vector<at::Tensor> moved;
    for (const auto& [name, tensor] : last_snapshot(folder).model) {
      moved.push_back((before->network().named_parameters()[name].detach() - tensor).to(at::kDouble).flatten());
    }
    return at::cat(moved);
  }
};

INSTANTIATE_TEST_SUITE_P(Tasks, Retries,
                         testing::Combine(testing::Values("patches", "episodes"), testing::Values(1, 2, 4)),
                         [](const auto& instance) {
                           return text(std::get<0>(instance.param), "On", std::get<1>(instance.param));
                         });

TEST_P(Retries, MakeTheSameGradientInSmallerPieces) {
  const at::Tensor whole = gradient("");
  ASSERT_GT(whole.norm().item<double>(), 0);
  for (const std::string fault :
       {"oom-forward@1,samples=2", "oom-backward@1,samples=1", "oom-backward@1,samples=2,rank=0"}) {
    EXPECT_LT((gradient(fault) - whole).norm().item<double>(), 1e-5 * whole.norm().item<double>()) << fault;
  }
}

TEST_P(Retries, LeaveSamplesAndLossesAsTheyAre) {
  const TempFolder reference;
  train(*task(), options_for(reference));
  const TempFolder folder;
  EXPECT_EQ(train(*task(), options_for(folder, "oom-forward@3,samples=2")), RunEnd::kFinished);
  expect_same_history(reference, folder, kRounding);
  const checkpoint::State end = last_snapshot(folder).state;
  EXPECT_EQ(end.updates, 6);
  EXPECT_EQ(end.dropped, 0);
  EXPECT_EQ(end.micro_batch, 2);
}

TEST_P(Retries, AreMadeOnceAndTheMicroBatchesStay) {
  const TempFolder folder;
  train(*task(), options_for(folder, "oom-backward@2,samples=2"));
  const std::vector<nlohmann::json> retries = events(folder, "retry");
  ASSERT_EQ(retries.size(), ranks() == 1 ? 3U : ranks() == 2 ? 2U : 1U) << "each halves what goes through at a time";
  for (const nlohmann::json& retry : retries) {
    EXPECT_EQ(retry.at("step"), 2);
    EXPECT_THAT(retry.at("failure").get<std::string>(), HasSubstr(text("rank ", ranks() - 1, ": ")));
  }
  EXPECT_EQ(retries.back().at("micro_batch"), 2);
  EXPECT_EQ(warnings_with(folder, "step 2 made once more for want of memory"), 1);
  EXPECT_EQ(warnings_with(folder, "--batch-size 2 with --global-batch 12"), 1);
  EXPECT_TRUE(events(folder, "skip").empty());
}

/// Samples that the network counted, by epoch.
std::vector<double> counted(const TempFolder& folder) {
  std::vector<double> counts;
  for (const nlohmann::json& epoch : events(folder, "epoch")) {
    counts.push_back(epoch.at("statistics").at("samples"));
  }
  return counts;
}

TEST_P(Retries, AreNotCountedTwice) {
  const TempFolder folder;
  train(*task(), options_for(folder, "oom-backward@1,samples=2;oom-backward@3,samples=1"));
  EXPECT_FALSE(events(folder, "retry").empty());
  EXPECT_EQ(counted(folder), (std::vector<double>{22, 22, 22}));
}

TEST_P(Retries, AStepThatIsDroppedIsNotCounted) {
  TinyTaskOptions broken;  // the first step of the second epoch, of 12 samples
  broken.disturbance = at_place(1, 11, []() -> double { throw std::runtime_error("the coffee is spilt"); });
  const TempFolder folder;
  train(*task(broken), options_for(folder));
  EXPECT_EQ(events(folder, "skip").size(), 1U);
  EXPECT_EQ(counted(folder), (std::vector<double>{22, 10, 22}));
}

TEST_P(Retries, AreContinuedByAResumeToTheSameBits) {
  const TempFolder reference;
  train(*task(), options_for(reference, "oom-forward@2,samples=2"));
  for (const std::int64_t cut : {2, 3}) {
    SCOPED_TRACE(text("stopped after step ", cut));
    const TempFolder folder;
    TrainOptions options = options_for(folder, "oom-forward@2,samples=2");
    options.max_steps = cut;
    train(*task(), options);
    options.max_steps.reset();
    options.faults.clear();  // it is the state that keeps the micro-batches
    train(*task(), options);
    expect_same_runs(reference, folder);
  }
}

TEST_P(Retries, EndTheRunWhereNotEvenOneSampleFits) {
  TinyTaskOptions tiny;
  tiny.most_samples = 0;
  const TempFolder folder;
  TrainOptions options = options_for(folder);
  options.global_batch = kGlobalBatch;  // enough steps to fail before the first evaluation
  try {
    train(*task(tiny), options);
    FAIL() << "the run went on";
  } catch (const MachineError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("3 steps in a row failed"), HasSubstr("lower --img-size")));
  }
  EXPECT_EQ(events(folder, "retry").back().at("micro_batch"), 1);
  EXPECT_EQ(events(folder, "skip").size(), 3U);
}

TEST_P(Retries, LetTheEvaluationFitToo) {
  TinyTaskOptions tiny;
  tiny.most_samples = 1;
  const TempFolder folder;
  EXPECT_EQ(train(*task(tiny), options_for(folder)), RunEnd::kFinished);
  EXPECT_EQ(events(folder, "evaluate").size(), 3U);
}

/// The first and the last sample of the second epoch's first step: one rank each, where there are several.
constexpr std::uint64_t kFirst = 0;
constexpr std::uint64_t kLast = 11;

double run_out_of_memory() { throw std::bad_alloc(); }
double spill_coffee() { throw std::runtime_error("the coffee is spilt"); }

TEST_P(Retries, AreNotMadeWhereOneRankFailsWithAnotherError) {
  TinyTaskOptions broken;
  broken.disturbance = [](const data::Draw& draw) {
    return at_place(1, kFirst, run_out_of_memory)(draw) + at_place(1, kLast, spill_coffee)(draw);
  };
  const TempFolder folder;
  TrainOptions options = options_for(folder);
  options.batch_size = 3;
  train(*task(broken), options);
  if (ranks() == 1) {  // which never comes to the other error while memory is short, and then drops the step for it
    EXPECT_FALSE(events(folder, "retry").empty());
  } else {
    EXPECT_TRUE(events(folder, "retry").empty());
    EXPECT_EQ(last_snapshot(folder).state.micro_batch, 0);
  }
  EXPECT_EQ(events(folder, "skip").size(), 1U);
  EXPECT_EQ(last_snapshot(folder).state.dropped, 1);
}

TEST_P(Retries, AreNotMadeWhereTheLoaderIsWhatRunsOutOfMemory) {
  TinyTaskOptions broken;
  broken.load_fault = at_place(1, kLast, run_out_of_memory);
  for (const bool also_in_a_pass : {false, true}) {
    SCOPED_TRACE(also_in_a_pass);
    if (also_in_a_pass) {
      broken.disturbance = at_place(1, kFirst, run_out_of_memory);
    }
    const TempFolder folder;
    TrainOptions options = options_for(folder);
    options.batch_size = 2;
    EXPECT_EQ(train(*task(broken), options), RunEnd::kFinished);
    EXPECT_TRUE(events(folder, "retry").empty());
    EXPECT_EQ(last_snapshot(folder).state.micro_batch, 0);
    EXPECT_EQ(last_snapshot(folder).state.dropped, 1);
  }
}

TEST(RetriesWithBatchNorm, LeaveNoTraceOfTheAttemptInTheRunningStatistics) {
  TinyTaskOptions tiny;
  tiny.batch_norm = true;
  const TempFolder reference;  // in passes of two samples from the start
  train(*test::make_patch_task(tiny), options_in(reference, 1));
  const TempFolder folder;  // in passes of six, which fail after they have moved the statistics
  TrainOptions options = options_in(folder, 1);
  options.batch_size = 6;
  options.faults = "oom-backward@1,samples=2";
  train(*test::make_patch_task(tiny), options);
  EXPECT_EQ(events(folder, "retry").size(), 2U);
  expect_same_history(reference, folder, 0);
  expect_same_tensors(last_snapshot(reference).model, last_snapshot(folder).model);
}

TEST(RetriesWithBadSamples, LeaveOutTheSameSamples) {
  TinyTaskOptions broken;
  broken.load_fault = at_place(0, 3, []() -> double { throw DataError("'a.png' is broken", "mend it"); });
  const auto in = [](const TempFolder& folder, const std::string& faults) {
    TrainOptions options = options_in(folder, 2);
    options.batch_size = 6;
    options.max_bad_samples = 1;
    options.faults = faults;
    return options;
  };
  const TempFolder reference;
  train(*test::make_patch_task(broken), in(reference, ""));
  const TempFolder folder;
  train(*test::make_patch_task(broken), in(folder, "oom-forward@1,samples=1"));
  expect_same_history(reference, folder, kRounding);
}

}  // namespace
}  // namespace lockstep::train::retry_test
