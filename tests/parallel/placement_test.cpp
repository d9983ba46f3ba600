#include "lockstep/parallel/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "lockstep/base/error.h"

namespace lockstep::parallel::placement_test {
namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

const Variables kTorchrun{{"RANK", "3"},
                          {"WORLD_SIZE", "4"},
                          {"LOCAL_RANK", "1"},
                          {"MASTER_ADDR", "node1"},
                          {"MASTER_PORT", "29500"},
                          {"TORCHELASTIC_USE_AGENT_STORE", "True"}};

const Variables kSlurm{{"SLURM_PROCID", "0"},
                       {"SLURM_NTASKS", "8"},
                       {"SLURM_STEP_NUM_TASKS", "4"},
                       {"SLURM_LOCALID", "0"},
                       {"SLURM_JOB_NODELIST", "gpu[07-08]"},
                       {"SLURM_JOB_ID", "123456"}};

Variables with(Variables variables, const std::string& name, const std::string& value) {
  variables[name] = value;
  return variables;
}

TEST(Placement, AnOrdinaryEnvironmentHasOneProcess) {
  EXPECT_FALSE(read_placement(environment({})));
  EXPECT_FALSE(read_placement(environment({{"WORLD_SIZE", "4"}})));
  EXPECT_FALSE(read_placement(environment({{"SLURM_NTASKS", "4"}})));  // a shell within a job
}

TEST(Placement, IsReadFromTorchrun) {
  const auto placement = read_placement(environment(kTorchrun));
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->rank, 3);
  EXPECT_EQ(placement->size, 4);
  EXPECT_EQ(placement->local_rank, 1);
  EXPECT_EQ(placement->address, "node1");
  EXPECT_EQ(placement->port, 29500);
}

TEST(Placement, TorchrunKeepsTheStoreWhereItSaysSo) {
  const Variables first = with(kTorchrun, "RANK", "0");
  EXPECT_FALSE(read_placement(environment(first))->keeps_store);
  EXPECT_TRUE(read_placement(environment(with(first, "TORCHELASTIC_USE_AGENT_STORE", "False")))->keeps_store);
}

TEST(Placement, IsReadFromSlurm) {
  const auto placement = read_placement(environment(kSlurm));
  ASSERT_TRUE(placement);
  EXPECT_EQ(placement->rank, 0);
  EXPECT_EQ(placement->size, 4);
  EXPECT_EQ(placement->address, "gpu07");
  EXPECT_EQ(placement->port, 23456);
  EXPECT_TRUE(placement->keeps_store);
  EXPECT_FALSE(read_placement(environment(with(kSlurm, "SLURM_PROCID", "1")))->keeps_store);
  EXPECT_EQ(read_placement(environment(with(kSlurm, "MASTER_PORT", "4000")))->port, 4000);
}

TEST(Placement, ABatchScriptOfSlurmTrainsAloneWithAHint) {
  Variables batch = kSlurm;
  batch.erase("SLURM_STEP_NUM_TASKS");
  EXPECT_FALSE(read_placement(environment(batch)));
  EXPECT_THAT(hint_at_srun(environment(batch)).value_or(""),
              testing::AllOf(testing::HasSubstr("8 tasks"), testing::HasSubstr("srun")));
  // Nothing is to be said where there is one task, where srun has started it, or torchrun has.
  EXPECT_FALSE(hint_at_srun(environment(with(batch, "SLURM_NTASKS", "1"))));
  EXPECT_FALSE(hint_at_srun(environment(kSlurm)));
  EXPECT_FALSE(hint_at_srun(environment(with(kSlurm, "SLURM_STEP_NUM_TASKS", "1"))));
  Variables torchrun = kTorchrun;
  torchrun.insert(batch.begin(), batch.end());
  EXPECT_FALSE(hint_at_srun(environment(torchrun)));
  EXPECT_FALSE(hint_at_srun(environment({})));
}

TEST(Placement, ARestartIsToldFromAStart) {
  EXPECT_FALSE(is_started_again(environment({})));
  EXPECT_FALSE(is_started_again(environment(with(kTorchrun, "TORCHELASTIC_RESTART_COUNT", "0"))));
  EXPECT_TRUE(is_started_again(environment(with(kTorchrun, "TORCHELASTIC_RESTART_COUNT", "1"))));
  EXPECT_TRUE(is_started_again(environment(with(kSlurm, "SLURM_RESTART_COUNT", "2"))));
}

TEST(Placement, WhatIsMissingOrNoNumberIsNamed) {
  Variables incomplete = kTorchrun;
  incomplete.erase("MASTER_PORT");
  for (const auto& [variables, name] : {std::pair(incomplete, "MASTER_PORT"),
                                        {with(kTorchrun, "RANK", "4"), "RANK"},
                                        {with(kTorchrun, "MASTER_PORT", "no"), "MASTER_PORT"},
                                        {with(kSlurm, "SLURM_LOCALID", ""), "SLURM_LOCALID"}}) {
    try {
      read_placement(environment(variables));
      ADD_FAILURE() << "nothing was thrown for " << name;
    } catch (const UsageError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(name));
    }
  }
}

TEST(Placement, TheFirstHostOfSlurmsListIsFound) {
  EXPECT_EQ(first_host("single"), "single");
  EXPECT_EQ(first_host("a1,b2"), "a1");
  EXPECT_EQ(first_host("node[03-05,7],other"), "node03");
  EXPECT_EQ(first_host("node[7,9]"), "node7");
  EXPECT_EQ(first_host("rack[1-2]n[04-08].site"), "rack1n04.site");
}

}  // namespace
}  // namespace lockstep::parallel::placement_test
