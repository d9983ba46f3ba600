#include "lockstep/optim/ema.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/optim/optimizer.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::optim::ema_test {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

torch::nn::Sequential make_network() {
  return torch::nn::Sequential(torch::nn::Linear(5, 7), torch::nn::BatchNorm1d(7), torch::nn::Linear(7, 3));
}

Tensors weights_of(const torch::nn::Module& network) {
  Tensors weights;
  for (const auto& list : {network.named_parameters(), network.named_buffers()}) {
    for (const auto& item : list) {
      weights[item.key()] = item.value();
    }
  }
  return weights;
}

/// Puts the weights of a step of the reference into the network.
void take_up(const Tensors& reference, int step, const torch::nn::Module& network) {
  const at::NoGradGuard no_grad;
  for (auto& [name, tensor] : weights_of(network)) {
    at::Tensor(tensor).copy_(reference.at(text("network.", step, '.', name)));
  }
}

parallel::Arena lay(const torch::nn::Module& network, std::int64_t bucket_bytes) {
  std::vector<parallel::ArenaParameter> parameters;
  for (const auto& item : network.named_parameters()) {
    if (item.value().requires_grad()) {
      parameters.push_back({item.key(), item.value(), 0});
    }
  }
  return {parameters, bucket_bytes};
}

/// Steps `first` to `last` of the reference, with an arena and an Ema of their own.
void follow(const Tensors& reference, int first, int last, const EmaOptions& options, torch::nn::Sequential& network,
            torch::nn::Sequential& shadow) {
  parallel::Arena arena = lay(*network, 200);
  Ema ema(arena, *network, *shadow, options);
  if (first == 1) {
    ema.set();
  }
  Optimizer optimizer(arena, {});
  for (int step = first; step <= last; ++step) {
    EXPECT_NEAR(ema.decay_at(step), reference.at("decay")[step - 1].item<double>(), 1e-15);
    take_up(reference, step, *network);
    ema.begin_update(step);
    optimizer.step({0, std::nullopt, 1}, &ema);
    ema.follow_buffers();
    for (const auto& [name, average] : weights_of(*shadow)) {
      EXPECT_TRUE(at::allclose(average, reference.at(text("average.", step, '.', name)), 1e-6, 1e-7))
          << name << " in step " << step;
    }
  }
}

struct TimmRun {
  std::string argument;  ///< of ema_reference.py
  EmaOptions options;
};

const std::vector<TimmRun> kTimmRuns = {
    {"plain,decay=0.9", {.decay = 0.9}},
    {"late,decay=0.3,update_after_step=3", {.decay = 0.3, .update_after_step = 3}},
    {"warm,decay=0.99,use_warmup=True", {.decay = 0.99, .use_warmup = true}},
    {"all,decay=0.95,use_warmup=True,min_decay=0.4,warmup_gamma=2.5,warmup_power=0.75,update_after_step=2",
     {.decay = 0.95,
      .min_decay = 0.4,
      .update_after_step = 2,
      .use_warmup = true,
      .warmup_gamma = 2.5,
      .warmup_power = 0.75}}};

TEST(Ema, EqualsTimmAlsoWhereTheArenaIsMadeAnew) {
  if (!test::python_has({"timm", "safetensors"})) {
    GTEST_SKIP() << "needs timm";
  }
  constexpr int kSteps = 12;
  const test::TempFolder folder;
  std::vector<std::string> arguments = {folder.path(), "3", std::to_string(kSteps)};
  for (const TimmRun& run : kTimmRuns) {
    arguments.push_back(run.argument);
  }
  const auto result = test::run_python("tests/optim/ema_reference.py", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const TimmRun& run : kTimmRuns) {
    SCOPED_TRACE(run.argument);
    const std::string name = run.argument.substr(0, run.argument.find(','));
    const auto stored = checkpoint::read_safetensors(folder / (name + ".safetensors"));
    const Tensors reference(stored.tensors.begin(), stored.tensors.end());
    auto network = make_network();
    auto shadow = make_network();
    take_up(reference, 0, *network);
    follow(reference, 1, kSteps / 2, run.options, network, shadow);
    network[0]->as<torch::nn::Linear>()->weight.requires_grad_(false);
    network[0]->as<torch::nn::Linear>()->bias.requires_grad_(false);
    follow(reference, kSteps / 2 + 1, kSteps, run.options, network, shadow);
  }
}

TEST(Ema, EvaluatingTheShadowIsEvaluatingTheAverage) {
  auto network = make_network();
  auto shadow = make_network();
  parallel::Arena arena = lay(*network, 1 << 20);
  Ema ema(arena, *network, *shadow, {});
  ema.set();
  network->eval();
  const at::Tensor input = torch::randn({2, 5});
  EXPECT_TRUE(at::equal(shadow->forward(input), network->forward(input)));
  EXPECT_FALSE(shadow->forward(input).requires_grad());
  at::Tensor(ema.average(0)).zero_();
  EXPECT_EQ(shadow->forward(input).abs().max().item<float>(), 0);
}

TEST(Ema, FrozenParametersLeaveTheFlatBuffers) {
  auto network = make_network();
  auto shadow = make_network();
  const at::Tensor weight = shadow[0]->as<torch::nn::Linear>()->weight;
  const at::Tensor before = weight.clone();
  {
    const parallel::Arena arena = lay(*network, 1 << 20);
    const Ema ema(arena, *network, *shadow, {});
    EXPECT_EQ(weight.storage().data_ptr().get(), ema.average(0).storage().data_ptr().get());
  }
  network[0]->as<torch::nn::Linear>()->weight.requires_grad_(false);
  const parallel::Arena arena = lay(*network, 1 << 20);
  const Ema ema(arena, *network, *shadow, {});
  EXPECT_EQ(weight.storage().nbytes(), weight.nbytes());
  EXPECT_TRUE(at::equal(weight, before));
}

TEST(EmaOptions, RefusesADecayThatForgetsNothing) {
  EXPECT_THROW((EmaOptions{.decay = 1}.validate()), UsageError);
  EXPECT_THROW((EmaOptions{.decay = -0.1}.validate()), UsageError);
}

}  // namespace
}  // namespace lockstep::optim::ema_test
