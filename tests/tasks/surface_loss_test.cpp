#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "lockstep/tasks/surface/loss.h"

namespace lockstep::tasks::surface::surface_loss_test {
namespace {

const std::vector<std::int64_t> kShape{2, 3, 5, 7};

at::Tensor make_labels() {
  return (at::arange(2 * 3 * 5 * 7).mul(7).add(3).remainder(11).remainder(3)).to(at::kByte).view(kShape);
}

at::Tensor make_logits() { return at::arange(2 * 3 * 5 * 7, at::kFloat).mul(0.7).sin().mul(4).view({2, 1, 3, 5, 7}); }

/// The sums over the voxels of a sample that are not to be ignored.
struct Sums {
  double entropy = 0;
  double shared = 0;
  double answered = 0;
  double surface = 0;
  double valid = 0;

  double dice_loss() const { return 1 - (2 * shared + 1) / (answered + surface + 1); }
};

/// Voxel by voxel, from the definitions.
Sums sums_of(const at::Tensor& logits, const at::Tensor& labels) {
  Sums sums;
  const at::Tensor flat_logits = logits.flatten().to(at::kDouble);
  const at::Tensor flat_labels = labels.flatten();
  for (std::int64_t i = 0; i < flat_labels.numel(); ++i) {
    const int label = flat_labels[i].item<int>();
    if (label == 2) {
      continue;
    }
    const double probability = 1 / (1 + std::exp(-flat_logits[i].item<double>()));
    sums.entropy -= std::log(label == 1 ? probability : 1 - probability);
    sums.shared += label == 1 ? probability : 0;
    sums.answered += probability;
    sums.surface += label;
    sums.valid += 1;
  }
  return sums;
}

/// How many voxels of a sample are not to be ignored, on average.
double mean_valid(const at::Tensor& labels) {
  return (labels != 2).sum().item<double>() / static_cast<double>(labels.size(0));
}

at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& labels, const LossWeights& weights = {}) {
  return dice_and_cross_entropy(logits, labels, weights, mean_valid(labels));
}

TEST(SurfaceLoss, IsDiceOfEachSampleAndCrossEntropyOverTheVoxelsOfAll) {
  const LossWeights weights{0.7, 1.3};
  at::Tensor labels = make_labels();
  labels[1].slice(0, 0, 2).fill_(2);  // the second sample has much less to learn from
  const at::Tensor logits = make_logits();
  const Sums first = sums_of(logits[0], labels[0]);
  const Sums second = sums_of(logits[1], labels[1]);
  ASSERT_LT(second.valid, 0.5 * first.valid);
  const at::Tensor loss = loss_of(logits, labels, weights);
  ASSERT_EQ(loss.sizes(), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  const double entropy = (first.entropy + second.entropy) / (first.valid + second.valid);
  const double dice_loss = (first.dice_loss() + second.dice_loss()) / 2;
  EXPECT_NEAR(loss.mean().item<double>(), weights.cross_entropy * entropy + weights.dice * dice_loss, 1e-5);
  // Each sample's part is its own.
  const double mean = (first.valid + second.valid) / 2;
  EXPECT_NEAR(loss[1].item<double>(), weights.cross_entropy * second.entropy / mean + weights.dice * second.dice_loss(),
              1e-5);
}

TEST(SurfaceLoss, DoesNotLookAtWhatIsToBeIgnored) {
  const at::Tensor labels = make_labels();
  at::Tensor logits = make_logits().requires_grad_();
  loss_of(logits, labels).sum().backward();
  const at::Tensor ignored = (labels == 2).unsqueeze(1);
  EXPECT_EQ(logits.grad().masked_select(ignored).abs().max().item<double>(), 0);
  EXPECT_GT(logits.grad().masked_select(~ignored).abs().min().item<double>(), 0);
  const at::Tensor nothing = at::full_like(labels, 2);
  EXPECT_EQ(loss_of(make_logits(), nothing).abs().max().item<double>(), 0);
}

TEST(SurfaceLoss, IsFiniteAtSaturatedLogitsInHalfPrecision) {
  const at::Tensor logits = (make_logits() * 1e4).to(at::kHalf).requires_grad_();
  const at::Tensor loss = loss_of(logits, make_labels());
  loss.sum().backward();
  EXPECT_TRUE(loss.isfinite().all().item<bool>());
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>());
}

// Rounded up when it is halved, a side of 5 has the voxels 0, 2, 4 under a stride of 2.
TEST(SurfaceLoss, CoarserScalesCountHalfOfTheOneBefore) {
  const at::Tensor labels = make_labels();
  models::VolumeOutputs outputs{make_logits(), {at::randn({2, 1, 3, 3, 4}), at::randn({2, 1, 2, 2, 2})}};
  const at::Tensor half = labels.slice(2, 0, std::nullopt, 2).slice(3, 0, std::nullopt, 2);
  const at::Tensor quarter =
      labels.slice(1, 0, std::nullopt, 2).slice(2, 0, std::nullopt, 4).slice(3, 0, std::nullopt, 4);
  const at::Tensor expected = dice_and_cross_entropy(outputs.logits, labels, {}, 60) +
                              dice_and_cross_entropy(outputs.sides[0], half, {}, 60 * 36 / 105.0) / 2 +
                              dice_and_cross_entropy(outputs.sides[1], quarter, {}, 60 * 8 / 105.0) / 4;
  EXPECT_TRUE(at::allclose(volume_loss(outputs, labels, {}, 60), expected));
}

}  // namespace
}  // namespace lockstep::tasks::surface::surface_loss_test
