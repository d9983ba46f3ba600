#include "lockstep/parallel/devices.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"

namespace lockstep::parallel::devices_test {
namespace {

TEST(Devices, CpuRanksAreCounted) {
  EXPECT_EQ(parse_devices("cpu").size(), 1U);
  EXPECT_EQ(parse_devices("cpu:4").size(), 4U);
  EXPECT_TRUE(parse_devices("cpu:4")[3].is_cpu());
  EXPECT_FALSE(parse_devices("auto").empty());
}

TEST(Devices, WordsThatAreNotUnderstoodAreUsageErrors) {
  for (const char* words :
       {"", "gpu", "cpu:", "cpu:0", "cpu:-1", "cpu:two", "cpu:1000000", "cuda:", "cuda:x", "cuda:0,cpu", "cpu,cpu"}) {
    EXPECT_THROW(parse_devices(words), UserError) << words;
  }
}

TEST(Devices, AGpuThatIsNotThereIsAMachineError) {
  EXPECT_THROW(parse_devices("cuda:99"), MachineError);
  if (!torch::cuda::is_available()) {
    EXPECT_THROW(parse_devices("cuda"), MachineError);
    EXPECT_TRUE(parse_devices("auto").front().is_cpu());
  }
}

TEST(Devices, AreDescribedForTheStartLine) {
  EXPECT_EQ(describe_devices(parse_devices("cpu")), "1 CPU rank");
  EXPECT_EQ(describe_devices(parse_devices("cpu:2")), "2 CPU ranks");
  EXPECT_EQ(describe_devices({c10::Device(c10::kCUDA, 0), c10::Device(c10::kCUDA, 1)}), "2 GPUs (cuda:0, cuda:1)");
}

}  // namespace
}  // namespace lockstep::parallel::devices_test
