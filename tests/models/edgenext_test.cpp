#include "lockstep/models/edgenext.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/nn/initialise.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::models::edgenext_test {
namespace {

struct ParityCase {
  std::string name;
  int height;
  int width;
};

class EdgeNeXtParity : public testing::TestWithParam<ParityCase> {};

double relative_difference(const at::Tensor& ours, const at::Tensor& theirs) {
  return ((ours - theirs).norm() / theirs.norm().clamp_min(1e-12)).item<double>();
}

TEST_P(EdgeNeXtParity, FeaturesAndGradientsEqualTimm) {
  if (!test::python_has({"timm", "safetensors"})) {
    GTEST_SKIP() << "needs timm";
  }
  const ParityCase& parity = GetParam();
  const test::TempFolder folder;
  const auto run =
      test::run_python("tests/models/edgenext_reference.py",
                       {folder.path(), parity.name, std::to_string(parity.height), std::to_string(parity.width)});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const auto weights = checkpoint::read_safetensors(folder / (parity.name + ".weights.safetensors"));
  const auto stored = checkpoint::read_safetensors(folder / (parity.name + ".values.safetensors"));
  const std::map<std::string, at::Tensor> values(stored.tensors.begin(), stored.tensors.end());

  nn::LayerCounter layers;
  EdgeNeXt network(edgenext_variant(parity.name), {}, layers);
  network.eval();
  const auto report = checkpoint::load_weights(network, weights.tensors, {"timm", "", false});
  EXPECT_TRUE(report.missing.empty()) << report.missing.front();
  EXPECT_TRUE(report.shape_mismatch.empty()) << report.shape_mismatch.front().name;
  // What is left over in timm's file is the classifier's norm.
  EXPECT_TRUE(std::all_of(report.unused.begin(), report.unused.end(),
                          [](const std::string& name) { return name.starts_with("head."); }));

  const std::vector<at::Tensor> features = network.forward(values.at("image"));
  ASSERT_EQ(features.size(), 4U);
  at::Tensor loss = at::zeros({});
  for (std::size_t stage = 0; stage < features.size(); ++stage) {
    const at::Tensor& expected = values.at(text("feature.", stage));
    ASSERT_EQ(features[stage].sizes(), expected.sizes());
    EXPECT_LE((features[stage] - expected).abs().max().item<double>(), 1e-4) << "stage " << stage;
    loss = loss + (features[stage] * values.at(text("probe.", stage))).sum();
  }
  loss.backward();
  for (const auto& parameter : network.named_parameters()) {
    const auto expected = values.find("gradient." + parameter.key());
    ASSERT_NE(expected, values.end()) << parameter.key();
    EXPECT_LE(relative_difference(parameter.value().grad(), expected->second), 1e-4) << parameter.key();
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, EdgeNeXtParity,
                         testing::Values(ParityCase{"edgenext_xx_small", 64, 96},
                                         ParityCase{"edgenext_x_small", 64, 96}, ParityCase{"edgenext_small", 96, 64},
                                         ParityCase{"edgenext_base", 64, 64}),
                         [](const auto& variant) { return variant.param.name; });

TEST(EdgeNeXt, NamesTheVariantsForAnUnknownOne) {
  try {
    edgenext_variant("edgenext_tiny");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("edgenext_xx_small"), std::string::npos);
  }
}

TEST(EdgeNeXt, DropsPathsByStep) {
  const auto features_of_step = [](std::uint64_t step) {
    nn::LayerCounter layers;
    EdgeNeXt network(edgenext_variant("edgenext_xx_small"), {.drop_path = 0.5}, layers);
    nn::initialise(network, 1);
    const at::NoGradGuard no_gradient;
    for (const auto& parameter : network.named_parameters()) {
      if (parameter.key().find("gamma") != std::string::npos) {
        parameter.value().fill_(1.0);
      }
    }
    const std::vector<std::uint64_t> samples{0, 1, 2, 3};
    const nn::RandomScope scope(1, step, samples);
    return network.forward(at::linspace(-1, 1, 4 * 3 * 32 * 32).view({4, 3, 32, 32})).back();
  };
  EXPECT_TRUE(at::equal(features_of_step(1), features_of_step(1)));
  EXPECT_FALSE(at::allclose(features_of_step(1), features_of_step(2)));
}

TEST(EdgeNeXt, GivesTheSameInEveryMemoryFormat) {
  const at::Tensor image = at::linspace(-1, 1, 2 * 3 * 64 * 96).mul(40).sin().view({2, 3, 64, 96});
  std::vector<std::vector<at::Tensor>> features;
  for (const at::MemoryFormat format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    nn::LayerCounter layers;
    EdgeNeXt network(edgenext_variant("edgenext_xx_small"), {}, layers);
    nn::initialise(network, 1);
    network.set_memory_format(format);
    const at::NoGradGuard no_gradient;
    for (const auto& parameter : network.named_parameters()) {
      if (parameter.key().find("gamma") != std::string::npos) {
        parameter.value().fill_(1.0);
      }
    }
    features.push_back(network.forward(image));
    for (const at::Tensor& feature : features.back()) {
      EXPECT_TRUE(feature.is_contiguous(format)) << format << " " << feature.sizes();
    }
  }
  for (std::size_t stage = 0; stage < 4; ++stage) {
    EXPECT_LE(relative_difference(features[1][stage], features[0][stage]), 1e-5) << stage;
  }
}

}  // namespace
}  // namespace lockstep::models::edgenext_test
