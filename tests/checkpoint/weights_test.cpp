#include "lockstep/checkpoint/weights.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>

#include "lockstep/base/error.h"

namespace lockstep::checkpoint::weights_test {
namespace {

struct Part : torch::nn::Module {
  Part() {
    register_module("linear", torch::nn::Linear(3, 2));
    register_buffer("count", at::zeros({1}));
  }
};

struct Network : torch::nn::Module {
  Network() {
    register_module("backbone", std::make_shared<Part>());
    register_module("head", torch::nn::Linear(2, 1));
  }

  at::Tensor weight(const std::string& name) const { return named_parameters()[name]; }
};

/// What the network holds, with other numbers.
NamedTensors other_weights(const Network& network) {
  NamedTensors weights;
  for (const auto& [name, tensor] : named_weights(network)) {
    weights.emplace_back(name, tensor.detach() + 1);
  }
  return weights;
}

std::string refusal(Network& network, const NamedTensors& tensors, const LoadOptions& options) {
  try {
    load_weights(network, tensors, options);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(LoadWeights, CopiesInPlace) {
  Network network;
  const NamedTensors stored = other_weights(network);
  const void* before = network.weight("head.weight").data_ptr();
  const LoadReport report = load_weights(network, stored, {"a.safetensors", "", true});
  EXPECT_EQ(report.matched.size(), 5U);
  EXPECT_EQ(network.weight("head.weight").data_ptr(), before);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    EXPECT_TRUE(at::equal(named_weights(network)[i].second, stored[i].second)) << stored[i].first;
  }
}

TEST(LoadWeights, FindsABackboneUnderItsPrefixAndReportsTheRest) {
  Network network;
  const at::Tensor weight = at::full({2, 3}, 7.0, at::kHalf);
  const NamedTensors stored = {
      {"module.linear.weight", weight}, {"linear.bias", at::ones({5})}, {"classifier.bias", at::ones({5})}};
  const LoadReport report = load_weights(network, stored, {"a.safetensors", "backbone.", false});
  EXPECT_EQ(report.matched, std::vector<std::string>{"backbone.linear.weight"});
  ASSERT_EQ(report.shape_mismatch.size(), 1U);
  EXPECT_EQ(report.shape_mismatch.front().name, "linear.bias");
  EXPECT_EQ(describe(report),
            "1 weights match; 4 of the network are not in the file ('backbone.count', 'backbone.linear.bias', "
            "'head.bias', …); 1 of the file are unknown ('classifier.bias'); 1 have another shape ('linear.bias': 5 "
            "instead of 2)");
  EXPECT_EQ(report.unused, std::vector<std::string>{"classifier.bias"});
  EXPECT_EQ(report.missing,
            (std::vector<std::string>{"backbone.count", "backbone.linear.bias", "head.bias", "head.weight"}));
  EXPECT_TRUE(at::equal(network.weight("backbone.linear.weight"), at::full({2, 3}, 7.0)));
}

TEST(LoadWeights, TakesOffWhatPyTorchPutsBeforeNames) {
  Network network;
  const NamedTensors stored = {{"module._orig_mod.head.bias", at::full({1}, 7.0)},
                               {"_orig_mod.module.head.weight", at::full({1, 2}, 7.0)}};
  EXPECT_EQ(load_weights(network, stored, {"a.pth", "", false}).matched.size(), 2U);
}

TEST(LoadWeights, RefusesWhatMatchesNothing) {
  Network network;
  const std::string error = refusal(network, {{"a", at::ones({1})}}, {"a.safetensors", "backbone.", false});
  EXPECT_NE(error.find("a.safetensors"), std::string::npos);
}

TEST(LoadWeights, LeavesTheNetworkAloneWhereNotEverythingMatches) {
  Network network;
  const at::Tensor before = network.weight("head.weight").detach().clone();
  NamedTensors stored = other_weights(network);
  stored.emplace_back("extra", at::ones({1}));
  const std::string error = refusal(network, stored, {"a.safetensors", "", true});
  EXPECT_NE(error.find("extra"), std::string::npos);
  EXPECT_TRUE(at::equal(network.weight("head.weight"), before));
}

}  // namespace
}  // namespace lockstep::checkpoint::weights_test
