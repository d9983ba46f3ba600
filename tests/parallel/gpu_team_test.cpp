// The team needs no GPU: what gets the work onto the devices is a stand-in here, for tensors on the CPU. The real ones
// are in gpu_groups_test.cpp.

#include "lockstep/parallel/gpu_team.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <new>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/parallel/core/rendezvous.h"

namespace lockstep::parallel::gpu_team_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Sums at once; before that it does what it was given.
class HostEnqueuer : public Enqueuer {
 public:
  explicit HostEnqueuer(std::function<void(const Job&)> before) : before_(std::move(before)) {}

  std::unique_ptr<Part> bring(const at::Tensor& tensor) override { return std::make_unique<Part>(tensor); }

  void enqueue(Job& job) override {
    before_(job);
    at::Tensor sum = at::zeros_like(job.parts[0]->tensor);
    for (const auto& part : job.parts) {
      sum += part->tensor;
    }
    for (const auto& part : job.parts) {
      part->tensor.copy_(sum);
    }
  }

  void follow(Part&) override {}

 private:
  std::function<void(const Job&)> before_;
};

/// Two ranks, which this thread plays one after the other.
class Team {
 public:
  explicit Team(
      std::function<void(const Job&)> before = [](const Job&) {}, Seconds timeout = Seconds(30))
      : team_(2, timeout, std::make_unique<HostEnqueuer>(std::move(before))) {}

  std::shared_ptr<Job> submit(int rank, const at::Tensor& tensor, const std::string& occasion = "all-reduce") {
    return team_.submit(rank, Job::Kind::kSum, 0, tensor, occasion);
  }

  /// Lets both ranks come and wait, and gives what each of them throws: kind and words.
  std::vector<std::string> run(const std::string& occasion) {
    const std::shared_ptr<Job> job = submit(0, at::ones({1}), occasion);
    EXPECT_EQ(submit(1, at::ones({1}), occasion), job);
    return {thrown_to(0, *job), thrown_to(1, *job)};
  }

  std::string thrown_to(int rank, Job& job) {
    try {
      team_.wait(rank, job);
    } catch (const MachineError& error) {
      return std::string("MachineError ") + error.what();
    } catch (const TrainingError& error) {
      return std::string("TrainingError ") + error.what();
    } catch (const PeerFailed& error) {
      return std::string("PeerFailed ") + error.what();
    }
    return "";
  }

  void abandon(const std::string& reason) { team_.abandon(reason); }

 private:
  GpuTeam team_;
};

TEST(GpuTeam, EnqueuesJobsInOrderWhenAllRanksHaveCome) {
  std::vector<std::string> enqueued;
  Team team([&](const Job& job) { enqueued.push_back(job.occasion); });
  std::vector<at::Tensor> tensors{at::ones({2}), at::ones({3}), at::ones({2}), at::ones({3})};
  const auto first = team.submit(0, tensors[0], "first");
  const auto second = team.submit(0, tensors[1], "second");
  EXPECT_EQ(team.submit(1, tensors[2], "first"), first);
  EXPECT_EQ(team.submit(1, tensors[3], "second"), second);
  EXPECT_EQ(team.thrown_to(1, *second), "");
  EXPECT_EQ(team.thrown_to(0, *first), "");
  EXPECT_EQ(enqueued, (std::vector<std::string>{"first", "second"}));
  for (const at::Tensor& tensor : tensors) {
    EXPECT_TRUE(at::all(tensor == 2).item<bool>());
  }
}

TEST(GpuTeam, ADeviceErrorIsThrownToOneRankAndToldToTheOthers) {
  Team team([](const Job&) { throw std::runtime_error("the driver has gone\nbacktrace"); });
  const std::vector<std::string> thrown = team.run("all-reduce of bucket 3");
  EXPECT_THAT(thrown[0], testing::StartsWith("TrainingError all-reduce of bucket 3 failed: the driver has gone;"));
  EXPECT_THAT(thrown[1], testing::StartsWith("PeerFailed all-reduce of bucket 3 failed: the driver has gone;"));
  // The team is at its end, but hooks of backward passes may still come.
  EXPECT_THAT(team.run("broadcast"), testing::Each(HasSubstr("PeerFailed all-reduce of bucket 3 failed")));
}

TEST(GpuTeam, ErrorsOfTheMachineAreSuch) {
  Team without_memory([](const Job&) { throw std::bad_alloc(); });
  EXPECT_THAT(without_memory.run("broadcast")[0],
              AllOf(testing::StartsWith("MachineError broadcast failed"), HasSubstr("--batch-size")));
  Team without_network([](const Job&) { throw MachineError("ncclAllReduce failed: no network", "see to it"); });
  EXPECT_EQ(without_network.run("broadcast")[0], "MachineError ncclAllReduce failed: no network; see to it");
}

TEST(GpuTeam, ARankThatDoesNotComeIsNamed) {
  Team team([](const Job&) {}, Seconds(0.05));
  const auto job = team.submit(0, at::ones({1}));
  EXPECT_THAT(team.thrown_to(0, *job), AllOf(testing::StartsWith("TrainingError rank 0 waited"),
                                             HasSubstr("for rank 1"), HasSubstr("(all-reduce)")));
}

TEST(GpuTeam, AbandoningTellsTheReason) {
  Team team;
  const auto job = team.submit(0, at::ones({1}));
  team.abandon("'a.png' is broken");
  EXPECT_EQ(team.thrown_to(0, *job), "PeerFailed 'a.png' is broken");
}

}  // namespace
}  // namespace lockstep::parallel::gpu_team_test
