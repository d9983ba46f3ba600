#include "lockstep/train/page_locked.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/parallel/devices.h"

namespace lockstep::train::page_locked_test {
namespace {

TEST(PageLocked, BatchesForTheCpuLieInOrdinaryMemory) {
  EXPECT_EQ(&host_memory_for(c10::kCPU), &data::ordinary_memory());
}

TEST(PageLocked, BatchesForAGpuLieInMemoryThatItCopiesFrom) {
  if (parallel::gpu_count() == 0) {
    GTEST_SKIP() << "needs a GPU";
  }
  data::HostBuffer buffer(host_memory_for(c10::Device(c10::kCUDA, 0)));
  buffer.resize(1000);
  EXPECT_TRUE(at::from_blob(buffer.data(), {1000}, at::kByte).is_pinned());
  buffer.resize(100'000);
  EXPECT_TRUE(at::from_blob(buffer.data(), {100'000}, at::kByte).is_pinned());
}

}  // namespace
}  // namespace lockstep::train::page_locked_test
