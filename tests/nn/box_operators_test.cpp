#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <string>

#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/nms.h"
#include "lockstep/nn/roi_align.h"
#include "lockstep/parallel/devices.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::nn::box_operators_test {
namespace {

using Values = std::map<std::string, at::Tensor>;

/// What torchvision gives, written once for all tests; empty where it is not there.
class BoxOperators : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!test::python_has({"torchvision", "safetensors"})) {
      return;
    }
    const test::TempFolder folder;
    const auto run = test::run_python("tests/nn/box_operators_reference.py", {folder.path()});
    ASSERT_EQ(run.exit_code, 0) << run.errors;
    for (const std::string name : {"roi_align", "nms", "iou"}) {
      const auto stored = checkpoint::read_safetensors(folder / (name + ".safetensors"));
      for (const auto& [key, tensor] : stored.tensors) {
        expected()[name][key] = tensor.clone();
      }
    }
  }

  void SetUp() override {
    if (expected().empty()) {
      GTEST_SKIP() << "needs torchvision";
    }
  }

  static std::map<std::string, Values>& expected() {
    static std::map<std::string, Values> values;
    return values;
  }
};

struct Aligned {
  at::Tensor result;
  at::Tensor gradient;
};

/// Case `number` on a device, in a type and a memory format.
Aligned align(const Values& values, std::int64_t number, const at::TensorOptions& options, at::MemoryFormat format) {
  const auto value = [&](const std::string& name) { return values.at(text(name, ".", number)); };
  const at::Tensor numbers = value("numbers");
  const RoiAlignOptions how{.spatial_scale = 1.0 / numbers[0].item<double>(),
                            .output_size = numbers[1].item<std::int64_t>(),
                            .sampling_ratio = numbers[2].item<std::int64_t>()};
  const at::Tensor features = value("features").to(options).contiguous(format).detach().requires_grad_();
  const at::Tensor result = roi_align(features, value("boxes").to(options), how);
  (result * value("probe").to(options)).sum().backward();
  return {result.detach(), features.grad()};
}

std::int64_t case_count(const Values& values) {
  std::int64_t count = 0;
  while (values.contains(text("boxes.", count))) {
    ++count;
  }
  return count;
}

TEST_F(BoxOperators, RoiAlignGivesTorchvisionsValuesAndGradients) {
  const Values& values = expected()["roi_align"];
  ASSERT_GE(case_count(values), 6);
  for (std::int64_t i = 0; i < case_count(values); ++i) {
    for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      for (const auto type : {at::kFloat, at::kDouble}) {
        const Aligned ours = align(values, i, type, format);
        EXPECT_EQ(ours.result.scalar_type(), type);
        EXPECT_TRUE(at::allclose(ours.result.to(at::kFloat), values.at(text("result.", i)), 1e-4, 1e-5)) << i;
        EXPECT_TRUE(at::allclose(ours.gradient.to(at::kFloat), values.at(text("gradient.", i)), 1e-4, 1e-4)) << i;
      }
    }
  }
}

TEST_F(BoxOperators, RoiAlignOnTheGpuGivesTheNumbersOfTheProcessor) {
  if (parallel::gpu_count() == 0) {
    GTEST_SKIP() << "needs a GPU";
  }
  const Values& values = expected()["roi_align"];
  for (std::int64_t i = 0; i < case_count(values); ++i) {
    const Aligned host = align(values, i, at::kFloat, at::MemoryFormat::Contiguous);
    const Aligned gpu =
        align(values, i, at::TensorOptions(at::kFloat).device(at::kCUDA), at::MemoryFormat::ChannelsLast);
    EXPECT_TRUE(at::allclose(gpu.result.cpu(), host.result, 1e-5, 1e-6)) << i;
    EXPECT_TRUE(at::allclose(gpu.gradient.cpu(), host.gradient, 1e-5, 1e-6)) << i;
  }
}

TEST_F(BoxOperators, NmsKeepsWhatTorchvisionKeeps) {
  const Values& values = expected()["nms"];
  ASSERT_GE(case_count(values), 12);
  for (std::int64_t i = 0; i < case_count(values); ++i) {
    const auto value = [&](const std::string& name) { return values.at(text(name, ".", i)); };
    const double threshold = value("threshold").item<double>();
    EXPECT_TRUE(at::equal(nms(value("boxes"), value("scores"), threshold), value("kept"))) << i;
    const at::Tensor of_groups = nms_of_groups(value("boxes"), value("scores"), value("groups"), threshold);
    EXPECT_TRUE(at::equal(std::get<0>(of_groups.sort()), value("kept_of_groups"))) << i;
    if (values.contains(text("batched.", i))) {
      EXPECT_TRUE(at::equal(of_groups, value("batched"))) << i;
    }
  }
}

TEST_F(BoxOperators, NmsOnTheGpuKeepsTheSame) {
  if (parallel::gpu_count() == 0) {
    GTEST_SKIP() << "needs a GPU";
  }
  const Values& values = expected()["nms"];
  for (std::int64_t i = 0; i < case_count(values); ++i) {
    const auto value = [&](const std::string& name) { return values.at(text(name, ".", i)).to(at::kCUDA); };
    const double threshold = values.at(text("threshold.", i)).item<double>();
    const at::Tensor kept = nms(value("boxes"), value("scores"), threshold);
    EXPECT_TRUE(at::equal(kept.cpu(), values.at(text("kept.", i)))) << i;
    const at::Tensor of_groups = nms_of_groups(value("boxes"), value("scores"), value("groups"), threshold).cpu();
    EXPECT_TRUE(at::equal(std::get<0>(of_groups.sort()), values.at(text("kept_of_groups.", i)))) << i;
  }
}

TEST_F(BoxOperators, OverlapsAndTheirGradientsAreTorchvisions) {
  const Values& values = expected()["iou"];
  const at::Tensor boxes = values.at("boxes").clone().requires_grad_();
  EXPECT_TRUE(at::allclose(pairwise_iou(boxes, values.at("others")), values.at("iou"), 1e-5, 1e-6));
  const at::Tensor generalised = generalised_iou(boxes, values.at("others"));
  EXPECT_TRUE(at::allclose(generalised, values.at("generalised"), 1e-5, 1e-6));
  (generalised * values.at("probe")).sum().backward();
  EXPECT_TRUE(at::allclose(boxes.grad(), values.at("gradient"), 1e-4, 1e-5));
  EXPECT_TRUE(at::equal(clip_boxes(values.at("boxes"), 70, 90), values.at("clipped")));
}

at::Tensor wave(at::IntArrayRef shape, double frequency) {
  return (at::arange(c10::multiply_integers(shape), at::kDouble) * frequency).sin().view(shape);
}

at::Tensor some_boxes() {
  return at::tensor({0.0, 3.1, 4.2, 30.3, 41.4, 1.0, -5.0, 2.0, 20.0, 70.0, 1.0, 8.5, 8.5, 9.0, 12.0}).view({3, 5});
}

TEST(RoiAlign, TheGradientIsThatOfSmallSteps) {
  const at::Tensor features = wave({2, 3, 6, 5}, 0.7);
  const at::Tensor probe = wave({3, 3, 4, 4}, 0.3);
  const RoiAlignOptions options{.spatial_scale = 0.125, .output_size = 4, .sampling_ratio = 0};
  const auto loss = [&](const at::Tensor& at_features) {
    return (roi_align(at_features, some_boxes(), options) * probe).sum();
  };
  const at::Tensor leaf = features.clone().requires_grad_();
  loss(leaf).backward();
  constexpr double kStep = 1e-5;
  for (std::int64_t i = 0; i < features.numel(); ++i) {
    const at::Tensor step = at::zeros_like(features);
    step.view(-1)[i] = kStep;
    const double slope = ((loss(features + step) - loss(features - step)) / (2 * kStep)).item<double>();
    EXPECT_NEAR(leaf.grad().view(-1)[i].item<double>(), slope, 1e-8) << i;
  }
}

TEST(RoiAlign, GivesTheSameBitsWhateverTheNumberOfThreads) {
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> results;
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    const at::Tensor features = wave({2, 8, 20, 24}, 0.7).to(at::kFloat).requires_grad_();
    const at::Tensor boxes = some_boxes().to(at::kFloat).repeat({20, 1});
    const at::Tensor result = roi_align(features, boxes, {.spatial_scale = 0.25});
    (result * wave(result.sizes(), 0.3).to(at::kFloat)).sum().backward();
    results.push_back(result.detach());
    results.push_back(features.grad());
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(results[0], results[2]));
  EXPECT_TRUE(at::equal(results[1], results[3]));
}

TEST(RoiAlign, OfNoBoxesIsNothingWithAGradientOfZero) {
  const at::Tensor features = wave({1, 2, 4, 4}, 0.7).requires_grad_();
  const at::Tensor result = roi_align(features, at::zeros({0, 5}), {.output_size = 3});
  EXPECT_EQ(result.sizes(), (std::vector<std::int64_t>{0, 2, 3, 3}));
  result.sum().backward();
  EXPECT_EQ(features.grad().abs().sum().item<double>(), 0);
}

TEST(RoiAlign, OfABoxThatIsNoNumberIsZero) {
  const at::Tensor boxes = at::tensor({0.0, NAN, 1.0, NAN, 5.0}).view({1, 5});
  for (const std::int64_t ratio : {0, 2}) {
    const at::Tensor result = roi_align(wave({1, 2, 4, 4}, 0.7), boxes, {.output_size = 3, .sampling_ratio = ratio});
    EXPECT_EQ(result.abs().sum().item<double>(), 0);
  }
}

TEST(Boxes, WithoutAreaOverlapWithNothingAndHaveFiniteGradients) {
  const at::Tensor boxes = at::tensor({5.F, 5.F, 5.F, 5.F, 9.F, 9.F, 3.F, 4.F, 0.F, 0.F, 4.F, 4.F}).view({3, 4});
  const at::Tensor leaf = boxes.clone().requires_grad_();
  EXPECT_TRUE(at::equal(pairwise_iou(leaf, boxes).diagonal().detach(), at::tensor({0.F, 0.F, 1.F})));
  const at::Tensor generalised = generalised_iou(leaf, boxes);
  generalised.sum().backward();
  EXPECT_TRUE(generalised.isfinite().all().item<bool>());
  EXPECT_TRUE(leaf.grad().isfinite().all().item<bool>());
}

TEST(Boxes, DistancesFromPlacesLeadBackToTheBoxes) {
  const at::Tensor places = at::tensor({4.F, 4.F, 12.F, 20.F}).view({2, 2});
  const at::Tensor boxes = at::tensor({1.F, 2.F, 9.F, 11.F, 10.F, 25.F, 30.F, 40.F}).view({2, 4});
  const at::Tensor distances = encode_distances(places, boxes);
  EXPECT_TRUE(at::equal(distances, at::tensor({3.F, 2.F, 5.F, 7.F, 2.F, -5.F, 18.F, 20.F}).view({2, 4})));
  EXPECT_TRUE(at::equal(decode_distances(places, distances), boxes));
  EXPECT_TRUE(at::equal(decode_distances(places, distances.unsqueeze(0))[0], boxes));
}

}  // namespace
}  // namespace lockstep::nn::box_operators_test
