#include "lockstep/nn/finish_images.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>

#include "lockstep/parallel/devices.h"

namespace lockstep::nn::finish_images_test {
namespace {

constexpr std::int64_t kBatch = 5;

at::Tensor random_images() {
  at::Generator generator = at::detail::createCPUGenerator(1);
  return torch::randint(256, {kBatch, 37, 53, 3}, generator, at::TensorOptions(at::kByte));
}

at::Tensor as_tensor(const std::vector<data::SampleFinish>& samples) {
  at::Tensor bytes = at::empty({kBatch, sizeof(data::SampleFinish)}, at::kByte);
  std::memcpy(bytes.data_ptr(), samples.data(), samples.size() * sizeof(data::SampleFinish));
  return bytes;
}

std::vector<data::SampleFinish> some_changes() {
  std::vector<data::SampleFinish> samples(kBatch);
  samples[1].flip = true;
  samples[2].colours = {.brightness = 1.3F, .contrast = 0.7F, .saturation = 1.4F, .hue = 0};
  samples[3].colours = {.brightness = 0.8F, .contrast = 1.2F, .saturation = 0.6F, .hue = 0.2F};
  samples[3].flip = true;
  samples[4].colours.contrast = 0;
  return samples;
}

TEST(FinishImages, FlipsAndNormalises) {
  const at::Tensor images = random_images();
  const at::Tensor planes = finish_images(images, as_tensor(some_changes()));
  const at::Tensor mean = at::tensor({0.485F, 0.456F, 0.406F}).view({3, 1, 1});
  const at::Tensor deviation = at::tensor({0.229F, 0.224F, 0.225F}).view({3, 1, 1});
  const at::Tensor plain = (images.permute({0, 3, 1, 2}).to(at::kFloat) / 255 - mean) / deviation;
  EXPECT_TRUE(at::allclose(planes[0], plain[0], 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(planes[1], plain[1].flip({2}), 1e-5, 1e-5));
  EXPECT_FALSE(at::allclose(planes[2], plain[2], 1e-1, 1e-1));
}

TEST(FinishImages, TakesABatchOfNoSamples) {
  const at::Tensor images = at::empty({0, 8, 8, 3}, at::kByte);
  const at::Tensor planes = finish_images(images, at::empty({0, sizeof(data::SampleFinish)}, at::kByte));
  EXPECT_EQ(planes.sizes(), (std::vector<std::int64_t>{0, 3, 8, 8}));
}

TEST(FinishImages, TheGpuGivesTheBitsOfTheProcessor) {
  if (parallel::gpu_count() == 0) {
    GTEST_SKIP() << "needs a GPU";
  }
  const at::Tensor images = random_images();
  const at::Tensor samples = as_tensor(some_changes());
  const at::Tensor planes = finish_images(images.to(at::kCUDA), samples.to(at::kCUDA));
  EXPECT_TRUE(at::equal(planes.cpu(), finish_images(images, samples)));
}

}  // namespace
}  // namespace lockstep::nn::finish_images_test
