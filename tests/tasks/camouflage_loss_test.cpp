#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstring>

#include "lockstep/base/files.h"
#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "lockstep/tasks/camouflage/loss.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::camouflage::camouflage_loss_test {
namespace {

at::Tensor random_logits(at::IntArrayRef shape) {
  RandomStream random(RandomKey{1, Purpose::kSelection, 0, 0, 0});
  at::Tensor logits = at::empty(shape, at::kFloat);
  for (std::int64_t i = 0; i < logits.numel(); ++i) {
    logits.data_ptr<float>()[i] = static_cast<float>(4 * random.normal());
  }
  return logits;
}

/// A square in each image, in another place and size, with a soft line above it; the first mask is empty and the second
/// full.
at::Tensor masks(at::IntArrayRef shape) {
  at::Tensor mask = at::zeros(shape, at::kFloat);
  for (std::int64_t sample = 2; sample < shape[0]; ++sample) {
    const at::Tensor image = mask[sample][0];
    image.slice(0, sample, shape[2] / 2).slice(1, 2 * sample, shape[3] - sample).fill_(1);
    image[sample - 1].fill_(0.25);
  }
  if (shape[0] > 1) {
    mask[1].fill_(1);
  }
  return mask;
}

void write(const std::filesystem::path& path, const at::Tensor& values) {
  write_file_atomically(path,
                        std::as_bytes(std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()))));
}

at::Tensor read(const std::filesystem::path& path, at::IntArrayRef shape) {
  at::Tensor values = at::empty(shape, at::kFloat);
  const std::vector<std::byte> bytes = read_file(path);
  EXPECT_EQ(bytes.size(), values.nbytes());
  std::memcpy(values.data_ptr(), bytes.data(), std::min(bytes.size(), values.nbytes()));
  return values;
}

double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

TEST(StructureLoss, EqualsTheUsualPyTorchProgramWithGradients) {
  if (!test::python_has({"torch", "numpy"})) {
    GTEST_SKIP() << "needs Python with PyTorch";
  }
  const std::vector<std::int64_t> shape{5, 1, 70, 53};
  const test::TempFolder folder;
  const at::Tensor logits = random_logits(shape).requires_grad_();
  write(folder / "logits.bin", logits);
  write(folder / "mask.bin", masks(shape));
  const test::ProcessResult result =
      test::run_python("tests/tasks/camouflage_loss_reference.py", {folder.path().string(), "5", "70", "53"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;

  const at::Tensor loss = structure_loss(logits, masks(shape));
  loss.sum().backward();
  const at::Tensor gradient = read(folder / "gradient.bin", shape);
  EXPECT_LE(largest(loss - read(folder / "loss.bin", {5})), 1e-6 * largest(loss));
  EXPECT_LE(largest(logits.grad() - gradient), 1e-6 * largest(gradient));
}

TEST(StructureLoss, GivesASampleTheSameValueInAnyBatch) {
  const std::vector<std::int64_t> shape{4, 1, 40, 40};
  const at::Tensor logits = random_logits(shape);
  const at::Tensor together = structure_loss(logits, masks(shape));
  for (std::int64_t sample = 0; sample < shape[0]; ++sample) {
    const at::Tensor alone = structure_loss(logits.narrow(0, sample, 1), masks(shape).narrow(0, sample, 1));
    EXPECT_NEAR(alone.item<double>(), together[sample].item<double>(), 1e-6);
  }
}

TEST(StructureLoss, StaysFiniteForExtremeLogitsAndMasks) {
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    for (const double size : {0.0, 1e4, -1e4, 6e4, -6e4}) {
      for (const double truth : {0.0, 1.0}) {
        const at::Tensor logits = at::full({2, 1, 352, 352}, size, type).requires_grad_();
        const at::Tensor loss = structure_loss(logits, at::full({2, 1, 352, 352}, truth));
        EXPECT_EQ(loss.scalar_type(), type == at::kDouble ? at::kDouble : at::kFloat);
        EXPECT_TRUE(loss.isfinite().all().item<bool>()) << type << ' ' << size << ' ' << truth;
        loss.sum().backward();
        EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << type << ' ' << size << ' ' << truth;
      }
    }
  }
}

TEST(StructureLoss, IsComputedInFloatUnderAutocast) {
  const std::vector<std::int64_t> shape{3, 1, 40, 40};
  const at::Tensor logits = random_logits(shape);
  const at::Tensor expected = structure_loss(logits, masks(shape));
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const at::Tensor loss = structure_loss(logits, masks(shape));
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(loss, expected));
}

TEST(StructureLoss, GradientEqualsDifferencesInDouble) {
  const std::vector<std::int64_t> shape{2, 1, 6, 5};
  const at::Tensor mask = masks(shape).to(at::kDouble).index_fill_(2, at::tensor({std::int64_t{3}}), 1);
  const at::Tensor logits = random_logits(shape).to(at::kDouble).requires_grad_();
  structure_loss(logits, mask, 3).sum().backward();
  constexpr double kStep = 1e-6;
  const at::Tensor moved = logits.detach().clone();
  for (std::int64_t i = 0; i < moved.numel(); ++i) {
    double& value = moved.data_ptr<double>()[i];
    const double middle = value;
    value = middle + kStep;
    const double above = structure_loss(moved, mask, 3).sum().item<double>();
    value = middle - kStep;
    const double below = structure_loss(moved, mask, 3).sum().item<double>();
    value = middle;
    EXPECT_NEAR(logits.grad().data_ptr<double>()[i], (above - below) / (2 * kStep), 1e-8);
  }
}

TEST(BoundaryMap, MarksTheEdgesOfTheMask) {
  at::Tensor mask = at::zeros({1, 1, 5, 7});
  mask.slice(3, 0, 3).fill_(1);  // columns 0 … 2
  const at::Tensor expected = at::tensor({0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.0F, 0.0F}).expand({1, 1, 5, 7});
  EXPECT_TRUE(at::equal(boundary_map(mask, 3), expected));
  EXPECT_EQ(boundary_map(at::ones({1, 1, 5, 7})).sum().item<double>(), 0.0);  // the image's own edge is none
  EXPECT_NEAR(boundary_map(mask * 0.25, 3).max().item<double>(), 0.25, 1e-7);
}

TEST(BoundaryLoss, IsSmallForTheEdgesAndLargeElsewhere) {
  const std::vector<std::int64_t> shape{4, 1, 40, 40};
  const at::Tensor edges = boundary_map(masks(shape).ge(0.5).to(at::kFloat));
  const at::Tensor right = boundary_loss(40 * edges - 20, masks(shape).ge(0.5).to(at::kFloat));
  EXPECT_LE(largest(right), 1e-3);
  const at::Tensor wrong = boundary_loss(20 - 40 * edges, masks(shape).ge(0.5).to(at::kFloat));
  EXPECT_GT(wrong.min().item<double>(), 9.0);
}

TEST(BoundaryLoss, GivesASampleTheSameValueInAnyBatch) {
  const std::vector<std::int64_t> shape{4, 1, 40, 40};
  const at::Tensor logits = random_logits(shape);
  const at::Tensor together = boundary_loss(logits, masks(shape));
  for (std::int64_t sample = 0; sample < shape[0]; ++sample) {
    const at::Tensor alone = boundary_loss(logits.narrow(0, sample, 1), masks(shape).narrow(0, sample, 1));
    EXPECT_NEAR(alone.item<double>(), together[sample].item<double>(), 1e-6);
  }
}

TEST(BoundaryLoss, GradientEqualsDifferencesInDouble) {
  const std::vector<std::int64_t> shape{2, 1, 6, 5};
  const at::Tensor mask = masks(shape).to(at::kDouble).index_fill_(2, at::tensor({std::int64_t{3}}), 1);
  const at::Tensor logits = random_logits(shape).to(at::kDouble).requires_grad_();
  boundary_loss(logits, mask, 3).sum().backward();
  constexpr double kStep = 1e-6;
  const at::Tensor moved = logits.detach().clone();
  for (std::int64_t i = 0; i < moved.numel(); ++i) {
    double& value = moved.data_ptr<double>()[i];
    const double middle = value;
    value = middle + kStep;
    const double above = boundary_loss(moved, mask, 3).sum().item<double>();
    value = middle - kStep;
    const double below = boundary_loss(moved, mask, 3).sum().item<double>();
    value = middle;
    EXPECT_NEAR(logits.grad().data_ptr<double>()[i], (above - below) / (2 * kStep), 1e-8);
  }
}

/// What a network with all heads says when every logit is the same.
models::SegmentationOutputs saturated(const at::Tensor& logits) {
  models::SegmentationOutputs outputs;
  outputs.logits = logits;
  outputs.boundary = logits;
  outputs.sides = {logits, logits, logits};
  outputs.balance = at::ones({logits.size(0)});
  return outputs;
}

TEST(WeightedLoss, StaysFiniteForSaturatedLogitsInHalfPrecision) {
  const at::Tensor truth = masks({3, 1, 352, 352});
  for (const bool autocast : {false, true}) {
    for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
      for (const double size : {1e4, -1e4}) {
        const at::Tensor logits = at::full({3, 1, 352, 352}, size, type).requires_grad_();
        at::autocast::set_autocast_enabled(at::kCPU, autocast);
        const at::Tensor loss = weighted_loss(saturated(logits), truth, LossWeights());
        at::autocast::set_autocast_enabled(at::kCPU, false);
        EXPECT_EQ(loss.scalar_type(), at::kFloat);
        EXPECT_EQ(loss.sizes(), (std::vector<std::int64_t>{3}));
        EXPECT_TRUE(loss.isfinite().all().item<bool>()) << type << ' ' << size;
        loss.sum().backward();
        EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << type << ' ' << size;
      }
    }
  }
}

TEST(WeightedLoss, HalvesTheWeightOfEachCoarserSideOutput) {
  const std::vector<std::int64_t> shape{2, 1, 40, 40};
  const at::Tensor logits = random_logits(shape);
  const at::Tensor expected =
      structure_loss(logits, masks(shape)) * (1 + 0.6 + 0.3 + 0.15) + 0.25 * boundary_loss(logits, masks(shape)) + 0.5;
  const at::Tensor loss =
      weighted_loss(saturated(logits), masks(shape), {.boundary = 0.25, .side = 0.6, .balance = 0.5});
  EXPECT_LE(largest(loss - expected), 1e-5);
}

}  // namespace
}  // namespace lockstep::tasks::camouflage::camouflage_loss_test
