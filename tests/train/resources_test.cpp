#include "lockstep/train/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/logged_lines.h"

namespace lockstep::train::resources_test {
namespace {

using test::LoggedLines;
using testing::HasSubstr;

constexpr int kNewRun = 0;

std::vector<c10::Device> cpu_ranks(std::size_t count) { return std::vector<c10::Device>(count, c10::kCPU); }

TEST(Resources, AQuarterOfTheCoresDecodesAndTheRanksShareTheOthers) {
  const Resources shares = share_cores(parallel::World(cpu_ranks(3)), 16, {}, kNewRun);
  EXPECT_EQ(shares.decode_threads, 4);
  EXPECT_EQ(shares.threads_per_rank, 4);
}

TEST(Resources, OnFewCoresEveryoneGetsOneThread) {
  for (const std::size_t ranks : {1U, 2U, 4U}) {
    const Resources shares = share_cores(parallel::World(cpu_ranks(ranks)), 2, {}, kNewRun);
    EXPECT_EQ(shares.decode_threads, 1);
    EXPECT_EQ(shares.threads_per_rank, 1);
  }
}

TEST(Resources, WithGpusAllCoresDecode) {
  const std::vector<c10::Device> devices(2, c10::Device(c10::kCUDA, 0));
  const Resources shares = share_cores(parallel::World(devices), 12, {}, kNewRun);
  EXPECT_EQ(shares.decode_threads, 12);
  EXPECT_EQ(shares.threads_per_rank, 1);
}

TEST(Resources, ARunGoesOnWithTheThreadsThatItBeganWith) {
  EXPECT_EQ(share_cores(parallel::World(cpu_ranks(1)), 16, {}, 3).threads_per_rank, 3);
}

TEST(Resources, WhatIsGivenCounts) {
  TrainOptions options;
  options.num_workers = 2;
  options.threads_per_rank = 5;
  const Resources shares = share_cores(parallel::World(cpu_ranks(2)), 16, options, 3);
  EXPECT_EQ(shares.decode_threads, 2);
  EXPECT_EQ(shares.threads_per_rank, 5);
}

TEST(Resources, MoreDecodeThreadsThanCoresAreNotStarted) {
  const LoggedLines logged;
  TrainOptions options;
  options.num_workers = 64;
  EXPECT_EQ(share_cores(parallel::World(cpu_ranks(1)), 8, options, kNewRun).decode_threads, 8);
  EXPECT_THAT(logged.text(), HasSubstr("--num-workers 64"));
}

TEST(Resources, WarnsOfMoreOperatorThreadsThanCores) {
  const LoggedLines logged;
  TrainOptions options;
  options.threads_per_rank = 4;
  share_cores(parallel::World(cpu_ranks(2)), 8, options, kNewRun);
  EXPECT_THAT(logged.text(), HasSubstr("4 threads a rank"));
}

TEST(Resources, ProcessesThatMayUseTheSameCoresShareThem) {
  parallel::World world(cpu_ranks(1));
  world.processes_that_share_cores = 4;
  const Resources shares = share_cores(world, 16, {}, kNewRun);
  EXPECT_EQ(shares.decode_threads, 1);
  EXPECT_EQ(shares.threads_per_rank, 3);
  TrainOptions options;
  options.num_workers = 8;
  EXPECT_EQ(share_cores(world, 16, options, kNewRun).decode_threads, 2);
}

}  // namespace
}  // namespace lockstep::train::resources_test
