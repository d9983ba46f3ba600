#include "lockstep/nn/resize.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace lockstep::nn::resize_test {
namespace {

TEST(ResizeBilinear, ByMatricesEqualsPyTorchWithItsGradient) {
  struct Case {
    std::int64_t height, width, new_height, new_width;
  };
  for (const Case& sizes :
       {Case{4, 6, 8, 12}, Case{4, 4, 16, 16}, Case{1, 1, 5, 3}, Case{7, 5, 3, 11}, Case{3, 3, 3, 3}}) {
    const at::Tensor values = torch::randn({2, 3, sizes.height, sizes.width}, torch::kDouble);
    const at::Tensor direction = torch::randn({2, 3, sizes.new_height, sizes.new_width}, torch::kDouble);
    const at::Tensor expected_input = values.clone().requires_grad_();
    const at::Tensor expected = at::upsample_bilinear2d(expected_input, {sizes.new_height, sizes.new_width}, false);
    (expected * direction).sum().backward();
    const at::Tensor input = values.clone().requires_grad_();
    const at::Tensor resized = resize_bilinear_by_matrices(input, sizes.new_height, sizes.new_width);
    (resized * direction).sum().backward();
    EXPECT_TRUE(at::allclose(resized, expected, 1e-6, 1e-6));
    EXPECT_TRUE(at::allclose(input.grad(), expected_input.grad(), 1e-6, 1e-6));
  }
}

TEST(ResizeBilinear, OnTheCpuItIsPyTorchs) {
  const at::Tensor values = torch::randn({1, 2, 5, 7});
  EXPECT_TRUE(at::equal(resize_bilinear(values, 10, 9), at::upsample_bilinear2d(values, {10, 9}, false)));
}

}  // namespace
}  // namespace lockstep::nn::resize_test
