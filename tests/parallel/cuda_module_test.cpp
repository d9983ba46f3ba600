#include "lockstep/parallel/cuda_module.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lockstep/base/error.h"
#include "lockstep/parallel/devices.h"

namespace lockstep::parallel::cuda_module_test {
namespace {

class CudaModuleTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path program = LOCKSTEP_TEST_PROGRAM;
    if (!std::filesystem::exists(program.parent_path() / "liblockstep_cuda.so")) {
      GTEST_SKIP() << "built without the headers of CUDA and NCCL";
    }
  }
};

TEST_F(CudaModuleTest, FindsAllThatItNeedsInTheProgram) {
  EXPECT_NE(cuda_module().make_nccl_enqueuer, nullptr);
  EXPECT_NE(cuda_module().make_nccl_backend, nullptr);
  EXPECT_NE(cuda_module().empty_cache, nullptr);
  EXPECT_EQ(cuda_module().finish_images != nullptr, LOCKSTEP_TEST_HAS_KERNELS);
}

TEST_F(CudaModuleTest, ItsErrorsAreThoseOfTheProgram) {
  if (gpu_count() > 0) {
    GTEST_SKIP() << "needs a machine without a GPU";
  }
  EXPECT_THROW(cuda_module().make_nccl_enqueuer({c10::Device(c10::kCUDA, 0)}), MachineError);
}

}  // namespace
}  // namespace lockstep::parallel::cuda_module_test
