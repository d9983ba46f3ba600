// Needs GPUs; on a machine with fewer the tests are reported as skipped.

#include "lockstep/parallel/gpu_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/parallel/launch.h"

namespace lockstep::parallel::gpu_groups_test {
namespace {

using testing::HasSubstr;

int gpu_count() { return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0; }

/// Ranks on GPUs: each on its own, or all on the first.
struct Case {
  const char* name;
  int gpus;  ///< that it needs
  int ranks;
};

class GpuGroups : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (gpu_count() < GetParam().gpus) {
      GTEST_SKIP() << "needs " << GetParam().gpus << " GPUs, and this machine shows " << gpu_count();
    }
  }

  static std::vector<c10::Device> devices() {
    std::vector<c10::Device> all;
    for (int rank = 0; rank < GetParam().ranks; ++rank) {
      all.emplace_back(c10::kCUDA, static_cast<c10::DeviceIndex>(rank % GetParam().gpus));
    }
    return all;
  }
};

TEST_P(GpuGroups, SumAndBroadcastOnTheDevice) {
  launch(devices(), {}, [](Rank& rank) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
      const at::Tensor tensor = at::full({10007}, rank.index + 1, at::TensorOptions(rank.device).dtype(type));
      rank.group.all_reduce(tensor);
      EXPECT_TRUE(at::all(tensor == rank.world_size * (rank.world_size + 1) / 2).item<bool>()) << type;
      tensor.fill_(rank.index);
      rank.group.broadcast(tensor, rank.world_size - 1);
      EXPECT_TRUE(at::all(tensor == rank.world_size - 1).item<bool>()) << type;
    }
    const at::Tensor host = at::ones({3}, at::kLong);
    rank.group.all_reduce(host);
    EXPECT_EQ(host[0].item<std::int64_t>(), rank.world_size);
  });
}

TEST_P(GpuGroups, AReductionSumsBuffersThatRanksFinishInDifferentOrders) {
  launch(devices(), {}, [](Rank& rank) {
    std::vector<at::Tensor> buffers;
    for (const std::int64_t count : {1 << 20, 3, 20000}) {
      buffers.push_back(at::empty({count}, rank.device));
    }
    const auto reduction = rank.group.make_reduction(buffers);
    for (int step = 0; step < 20; ++step) {
      reduction->begin();
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        const std::size_t next = (i + static_cast<std::size_t>(rank.index)) % buffers.size();
        buffers[next].fill_(static_cast<double>(rank.index + 1) + step);
        reduction->ready(next);
      }
      reduction->wait();
      const double expected = rank.world_size * (rank.world_size + 1) / 2 + rank.world_size * step;
      for (const at::Tensor& buffer : buffers) {
        EXPECT_TRUE(at::all(buffer == expected).item<bool>()) << "step " << step;
      }
    }
  });
}

TEST_P(GpuGroups, ARankThatDoesNotComeIsNamed) {
  LaunchOptions options;
  options.timeout = Seconds(1);
  try {
    launch(devices(), options, [](Rank& rank) {
      if (!rank.is_first()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2500));
      }
      rank.group.all_reduce(at::ones({8}, rank.device));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const TrainingError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("rank 0 waited"), HasSubstr("rank 1"), HasSubstr("all-reduce")));
  }
}

TEST_P(GpuGroups, AThrowingRankBringsDownTheOthers) {
  EXPECT_THROW(launch(devices(), {},
                      [](Rank& rank) {
                        if (rank.is_first()) {
                          throw DataError("'a.png' is broken", "remove it");
                        }
                        rank.group.all_reduce(at::ones({8}, rank.device));
                      }),
               DataError);
}

INSTANTIATE_TEST_SUITE_P(All, GpuGroups,
                         testing::Values(Case{"TwoRanksOnOneGpu", 1, 2}, Case{"ThreeRanksOnOneGpu", 1, 3},
                                         Case{"TwoGpus", 2, 2}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lockstep::parallel::gpu_groups_test
