#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "lockstep/base/error.h"
#include "lockstep/data/finish_batch.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/tasks/camouflage/model.h"

namespace lockstep::tasks::camouflage::camouflage_model_test {
namespace {

constexpr std::int64_t kSide = 64;

Options small_options() {
  Options options;
  options.dataset_path = "somewhere";
  options.image_size = kSide;
  options.network.backbone = "edgenext_xx_small";
  options.network.decoder_width = 16;
  options.network.num_experts = 3;
  return options;
}

/// Two samples: bright squares on a dark, uneven ground.
struct Photographs {
  Photographs() {
    host.draws = {{0, 0, 0, 0}, {0, 1, 1, 1}};
    image = at::arange(2 * kSide * kSide * 3).mul(7).remainder(90).to(at::kByte).view({2, kSide, kSide, 3});
    mask = at::zeros({2, kSide, kSide}, at::kByte);
    mask[0].slice(0, 8, 40).slice(1, 16, 32).fill_(255);
    mask[1].slice(0, 30, 60).slice(1, 4, 50).fill_(255);
    const std::vector<data::SampleFinish> nothing(2);
    finish = at::empty({2, sizeof(data::SampleFinish)}, at::kByte);
    std::memcpy(finish.data_ptr(), nothing.data(), sizeof(data::SampleFinish) * 2);
    image.masked_fill_(mask.unsqueeze(3) > 0, 200);
  }

  /// Images of this size with the masks from `first` on, prepared for any model of the task.
  DeviceBatch batch_of(const at::Tensor& images, std::int64_t first, std::int64_t count) const {
    DeviceBatch batch{{images, mask.narrow(0, first, count), finish.narrow(0, first, count)}, host};
    CamouflageModel(Options(), std::nullopt).prepare(batch);
    return batch;
  }

  DeviceBatch batch(std::int64_t first = 0, std::int64_t count = 2) const {
    return batch_of(image.narrow(0, first, count), first, count);
  }

  data::Batch host;
  at::Tensor image;
  at::Tensor mask;
  at::Tensor finish;  ///< nothing is left to be done
};

at::Tensor losses(CamouflageModel& model, const DeviceBatch& batch, std::uint64_t step, std::uint64_t first = 0) {
  std::vector<std::uint64_t> samples;
  for (std::int64_t i = 0; i < batch.fields[0].size(0); ++i) {
    samples.push_back(first + static_cast<std::uint64_t>(i));
  }
  const nn::RandomScope scope(1, step, samples);
  return model.losses(batch);
}

std::string usage_error(const Options& options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

double sum_of(const std::vector<std::pair<std::string, double>>& statistics) {
  double sum = 0;
  for (const auto& [name, value] : statistics) {
    sum += value;
  }
  return sum;
}

TEST(CamouflageModel, GivesEachSampleItsLossWithEverythingOn) {
  Options options = small_options();
  options.deep_supervision = true;
  options.network.moe_top_k = 2;
  options.multi_scale = "0.5,1,1.5";
  CamouflageModel model(options, 1);
  const Photographs photographs;
  const at::NoGradGuard no_gradient;
  for (const std::uint64_t step : {1, 2, 3}) {
    const at::Tensor together = losses(model, photographs.batch(), step);
    ASSERT_EQ(together.sizes(), (std::vector<std::int64_t>{2}));
    EXPECT_EQ(together.scalar_type(), at::kFloat);
    for (const std::int64_t sample : {0, 1}) {
      const at::Tensor alone = losses(model, photographs.batch(sample, 1), step, static_cast<std::uint64_t>(sample));
      EXPECT_NEAR(alone.item<double>(), together[sample].item<double>(), 1e-4 * together[sample].item<double>());
    }
  }
}

TEST(CamouflageModel, AddsThePartsOfTheLossThatAreAskedFor) {
  const Photographs photographs;
  const at::NoGradGuard no_gradient;
  const auto loss_with = [&](const std::function<void(Options&)>& change) {
    Options options = small_options();
    options.loss.boundary = 0;
    options.network.moe_top_k = 1;
    options.loss.balance = 0;
    change(options);
    CamouflageModel model(options, 1);
    return losses(model, photographs.batch(), 1).sum().item<double>();
  };
  const double plain = loss_with([](Options&) {});
  EXPECT_GT(loss_with([](Options& options) { options.loss.boundary = 0.5; }), plain + 0.1);
  EXPECT_GT(loss_with([](Options& options) { options.deep_supervision = true; }), plain + 0.1);
  EXPECT_GT(loss_with([](Options& options) { options.loss.balance = 0.5; }), plain + 0.1);
}

TEST(CamouflageModel, LearnsInBfloat16) {
  const Photographs photographs;
  Options options = small_options();
  options.deep_supervision = true;
  for (const std::int64_t top_k : {0, 2}) {
    options.network.moe_top_k = top_k;
    options.network.gradient_checkpointing = false;
    CamouflageModel plain(options, 1);
    const at::Tensor expected = losses(plain, photographs.batch(), 1);
    options.network.gradient_checkpointing = true;
    CamouflageModel model(options, 1);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const at::Tensor rounded = losses(model, photographs.batch(), 1);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    EXPECT_EQ(rounded.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::allclose(rounded, expected, 0.05));
    EXPECT_FALSE(at::equal(rounded, expected));
    rounded.sum().backward();
    for (const auto& parameter : model.network().named_parameters()) {
      ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
      EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
    }
  }
}

TEST(CamouflageModel, DrawsAScaleForEachStep) {
  Options options = small_options();
  options.multi_scale = "0.5,1,1.5";
  CamouflageModel model(options, 1);
  const Photographs photographs;
  const at::NoGradGuard no_gradient;
  std::set<double> sides;
  for (std::uint64_t step = 0; step < 12; ++step) {
    losses(model, photographs.batch(), step);
    // Shares of all experts add up to the pixels at 1/8 of the resolution.
    const double of_both = sum_of(model.take_statistics());
    losses(model, photographs.batch(1, 1), step, 1);
    EXPECT_NEAR(sum_of(model.take_statistics()), of_both / 2, 1e-3);
    sides.insert(std::round(8 * std::sqrt(of_both / 2)));
  }
  EXPECT_EQ(sides, (std::set<double>{32, 64, 96}));
}

TEST(CamouflageModel, ScalesToTheNearestSizeThatFits) {
  EXPECT_EQ(scaled_side(352, 0.75), 256);  // 264
  EXPECT_EQ(scaled_side(352, 1.25), 448);  // 440
  EXPECT_EQ(scaled_side(352, 1), 352);
  EXPECT_EQ(scaled_side(32, 0.25), 32);
}

TEST(CamouflageModel, CountsPixelsOfExpertsSinceTheLastCall) {
  Options options = small_options();
  options.network.moe_top_k = 1;
  CamouflageModel model(options, 1);
  const Photographs photographs;
  EXPECT_TRUE(model.take_statistics().empty());
  losses(model, photographs.batch(), 1);
  losses(model, photographs.batch(), 2);
  const auto statistics = model.take_statistics();
  ASSERT_EQ(statistics.size(), 3U);
  EXPECT_EQ(statistics[1].first, "expert 1");
  EXPECT_EQ(sum_of(statistics), 2 * 2 * 8 * 8);
  EXPECT_TRUE(model.take_statistics().empty());
}

TEST(CamouflageModel, SeesAnImageAndItsMirrorImageAlikeWithTheFlip) {
  const Photographs photographs;
  const DeviceBatch mirrored = photographs.batch_of(photographs.image.flip(2).contiguous(), 0, 2);
  Options options = small_options();
  const at::NoGradGuard no_gradient;
  for (const bool flip : {false, true}) {
    options.test_time_flip = flip;
    CamouflageModel model(options, 1);
    model.network().eval();
    const at::Tensor seen = model.probabilities(photographs.batch());
    const at::Tensor seen_mirrored = model.probabilities(mirrored).flip(2);
    EXPECT_EQ(at::allclose(seen, seen_mirrored, 1e-4, 1e-5), flip);
    if (flip) {
      options.test_time_flip = false;
      CamouflageModel plain(options, 1);
      plain.network().eval();
      const at::Tensor mean = (plain.probabilities(photographs.batch()) + plain.probabilities(mirrored).flip(2)) / 2;
      EXPECT_TRUE(at::allclose(seen, mean, 1e-5, 1e-6));
    }
  }
}

TEST(CamouflageModel, NamesTheStagesOfItsBackbone) {
  CamouflageModel model(small_options(), 1);
  const std::vector<std::string> stages = model.backbone_stages();
  std::vector<int> parameters(stages.size());
  for (const auto& parameter : model.network().named_parameters()) {
    int owners = 0;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (parameter.key().starts_with(stages[i])) {
        ++parameters[i];
        ++owners;
      }
    }
    EXPECT_EQ(owners, parameter.key().starts_with(model.backbone_prefix()) ? 1 : 0) << parameter.key();
  }
  for (const int count : parameters) {
    EXPECT_GT(count, 0);
  }
}

TEST(CamouflageOptions, AreRefusedByTheirFlag) {
  EXPECT_EQ(usage_error(small_options()), "");
  for (const std::string list : {"x", "1,,2", "1,", "0.75;1", "0.1,1", "1,5", "nan"}) {
    Options options = small_options();
    options.multi_scale = list;
    EXPECT_NE(usage_error(options).find("--multi-scale"), std::string::npos) << list;
  }
  Options options = small_options();
  options.loss.boundary = -1;
  EXPECT_NE(usage_error(options).find("--boundary-weight"), std::string::npos);
  options = small_options();
  options.loss.side = std::nan("");
  EXPECT_NE(usage_error(options).find("--side-weight"), std::string::npos);
  options = small_options();
  options.loss.balance = -0.5;
  EXPECT_NE(usage_error(options).find("--moe-balance"), std::string::npos);
  options = small_options();
  options.network.moe_top_k = 4;
  EXPECT_NE(usage_error(options).find("--moe-top-k"), std::string::npos);
}

TEST(CamouflageOptions, GiveTheNetworkTheHeadsOfItsLosses) {
  Options options = small_options();
  EXPECT_TRUE(options.network_options().boundary_head);
  EXPECT_FALSE(options.network_options().side_outputs);
  options.loss.boundary = 0;
  options.deep_supervision = true;
  EXPECT_FALSE(options.network_options().boundary_head);
  EXPECT_TRUE(options.network_options().side_outputs);
}

}  // namespace
}  // namespace lockstep::tasks::camouflage::camouflage_model_test
