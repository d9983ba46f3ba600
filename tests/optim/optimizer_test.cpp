#include "lockstep/optim/optimizer.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/safetensors.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::optim::optimizer_test {
namespace {

using State = std::map<std::string, at::Tensor>;

State as_map(const std::vector<std::pair<std::string, at::Tensor>>& state) {
  State copies;
  for (const auto& [name, tensor] : state) {
    copies[name] = tensor.clone();
  }
  return copies;
}

/// Parameters p0, p1, … in an arena, matrices in group 0, vectors in group 1.
struct Laid {
  std::vector<at::Tensor> parameters;
  std::unique_ptr<parallel::Arena> arena;

  Laid(const std::vector<at::Tensor>& values, std::int64_t bucket_bytes) {
    std::vector<parallel::ArenaParameter> named;
    for (const at::Tensor& value : values) {
      parameters.push_back(value.detach().clone().requires_grad_());
      named.push_back({text("p", named.size()), parameters.back(), value.dim() > 1 ? 0 : 1});
    }
    arena = std::make_unique<parallel::Arena>(named, bucket_bytes);
  }

  /// Lets backward leave these gradients; parameters with an undefined one are not used.
  void backward(const std::vector<at::Tensor>& gradients) {
    arena->begin_step();
    at::Tensor loss = at::zeros({});
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (gradients[i].defined()) {
        loss = loss + (parameters[i] * gradients[i]).sum();
      }
    }
    loss.backward();
    arena->close_step([](std::size_t) {});
  }
};

const std::vector<std::vector<std::int64_t>> kSizes = {{5, 7}, {7}, {33, 3}, {1}, {64}, {300, 300}};

std::vector<at::Tensor> random_tensors(std::uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  std::vector<at::Tensor> tensors;
  for (const auto& sizes : kSizes) {
    tensors.push_back(torch::randn(sizes, generator));
  }
  return tensors;
}

std::vector<at::Tensor> random_gradients(std::uint64_t step) {
  std::vector<at::Tensor> gradients = random_tensors(1000 + step);
  if (step % 3 == 1) {
    gradients[step % kSizes.size()] = at::Tensor();
  }
  return gradients;
}

OptimizerOptions options_of(OptimizerKind kind, double momentum = 0.9, bool nesterov = false) {
  OptimizerOptions options;
  options.kind = kind;
  options.momentum = momentum;
  options.nesterov = nesterov;
  options.weight_decay = {0.1, 0};
  return options;
}

const std::vector<OptimizerOptions> kAllOptions = {options_of(OptimizerKind::kAdamW), options_of(OptimizerKind::kAdam),
                                                   options_of(OptimizerKind::kSgd, 0), options_of(OptimizerKind::kSgd),
                                                   options_of(OptimizerKind::kSgd, 0.9, true)};

struct ParityRun {
  std::string argument;  ///< of optimizer_reference.py
  OptimizerOptions options;
};

const std::vector<ParityRun> kParityRuns = {
    {"adamw,AdamW,0.1", options_of(OptimizerKind::kAdamW)},
    {"adam,Adam,0.1", options_of(OptimizerKind::kAdam)},
    {"sgd,SGD,0.1", options_of(OptimizerKind::kSgd, 0)},
    {"momentum,SGD,0.1,momentum=0.9", options_of(OptimizerKind::kSgd)},
    {"nesterov,SGD,0.1,momentum=0.9,nesterov=True", options_of(OptimizerKind::kSgd, 0.9, true)}};

constexpr int kParitySteps = 30;

/// Goes the way of the reference, with gradients that have to be unscaled first.
void follow(const State& reference, const OptimizerOptions& options, UpdatePath path, std::int64_t bucket_bytes) {
  std::vector<at::Tensor> start;
  for (std::size_t i = 0; reference.contains(text("start.p", i)); ++i) {
    start.push_back(reference.at(text("start.p", i)));
  }
  Laid laid(start, bucket_bytes);
  Optimizer optimizer(*laid.arena, options, path);
  for (std::int64_t step = 0; step < kParitySteps; ++step) {
    std::vector<at::Tensor> gradients;
    for (std::size_t i = 0; i < start.size(); ++i) {
      const auto found = reference.find(text("gradient.", step, ".p", i));
      gradients.push_back(found != reference.end() ? found->second * 1024 : at::Tensor());
    }
    laid.backward(gradients);
    optimizer.step(
        {reference.at("rates")[step].item<double>(), reference.at("momenta")[step].item<double>(), 1. / 1024}, nullptr);
  }
  for (std::size_t i = 0; i < start.size(); ++i) {
    const at::Tensor& expected = reference.at(text("end.p", i));
    const at::Tensor way = expected - start[i];
    const at::Tensor error = laid.parameters[i].detach() - expected;
    // A small step is rounded to the digits of the value that it moves.
    const double rounding = std::numeric_limits<float>::epsilon() * expected.norm().item<double>();
    EXPECT_LT(error.norm().item<double>(), 1e-6 * way.norm().item<double>() + rounding) << "parameter " << i;
  }
}

TEST(Optimizer, EqualsTorchOptim) {
  if (!test::python_has({"torch", "safetensors"})) {
    GTEST_SKIP() << "needs Python with PyTorch and safetensors";
  }
  const test::TempFolder folder;
  std::vector<std::string> arguments = {folder.path(), "11", std::to_string(kParitySteps)};
  for (const ParityRun& run : kParityRuns) {
    arguments.push_back(run.argument);
  }
  const auto result = test::run_python("tests/optim/optimizer_reference.py", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const ParityRun& run : kParityRuns) {
    const std::string name = run.argument.substr(0, run.argument.find(','));
    const auto stored = checkpoint::read_safetensors(folder / (name + ".safetensors"));
    const State reference(stored.tensors.begin(), stored.tensors.end());
    for (const UpdatePath path : {UpdatePath::kKernels, UpdatePath::kFlatCalls}) {
      for (const std::int64_t bucket_bytes : {1, 600, 1 << 20}) {
        SCOPED_TRACE(text(name, path == UpdatePath::kKernels ? ", kernels, " : ", flat calls, ", bucket_bytes));
        follow(reference, run.options, path, bucket_bytes);
      }
    }
  }
}

/// Values and average after some steps.
std::vector<at::Tensor> train(const OptimizerOptions& options, std::int64_t bucket_bytes, int threads) {
  const int before = at::get_num_threads();
  at::set_num_threads(threads);
  Laid laid(random_tensors(1), bucket_bytes);
  Optimizer optimizer(*laid.arena, options);
  for (std::uint64_t step = 0; step < 5; ++step) {
    laid.backward(random_gradients(step));
    optimizer.step({1e-2, std::nullopt, 0.5}, nullptr);
  }
  at::set_num_threads(before);
  return laid.parameters;
}

void expect_same_bits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::equal(a[i], b[i])) << "parameter " << i;
  }
}

TEST(Optimizer, BitsDependNeitherOnBucketsNorOnThreads) {
  for (const OptimizerOptions& options : kAllOptions) {
    const auto expected = train(options, 1 << 20, 1);
    expect_same_bits(train(options, 1, 1), expected);
    expect_same_bits(train(options, 600, 2), expected);
  }
}

TEST(Optimizer, GoesOnFromASavedStateToTheSameBits) {
  for (const OptimizerOptions& options : kAllOptions) {
    Laid straight(random_tensors(1), 600);
    Optimizer one(*straight.arena, options);
    for (std::uint64_t step = 0; step < 3; ++step) {
      straight.backward(random_gradients(step));
      one.step({1e-2, std::nullopt, 1}, nullptr);
    }
    Laid resumed(straight.parameters, 1);  // the state is by name, however it is laid
    Optimizer other(*resumed.arena, options);
    other.load_state(as_map(one.state()), Missing::kError);
    for (std::uint64_t step = 3; step < 6; ++step) {
      straight.backward(random_gradients(step));
      one.step({1e-2, std::nullopt, 1}, nullptr);
      resumed.backward(random_gradients(step));
      other.step({1e-2, std::nullopt, 1}, nullptr);
    }
    expect_same_bits(resumed.parameters, straight.parameters);
  }
}

TEST(Optimizer, MomentumThatAScheduleGivesPlainSgdIsSavedToo) {
  Laid laid(random_tensors(1), 600);
  Optimizer optimizer(*laid.arena, options_of(OptimizerKind::kSgd, 0));
  EXPECT_FALSE(as_map(optimizer.state()).contains("momentum_buffer.p0"));
  laid.backward(random_gradients(0));
  optimizer.step({1e-2, 0.85, 1}, nullptr);
  const State saved = as_map(optimizer.state());
  EXPECT_TRUE(at::allclose(saved.at("momentum_buffer.p1"), random_gradients(0)[1]));
  Optimizer resumed(*laid.arena, options_of(OptimizerKind::kSgd, 0));
  resumed.load_state(saved, Missing::kError);
  EXPECT_TRUE(at::equal(as_map(resumed.state()).at("momentum_buffer.p1"), saved.at("momentum_buffer.p1")));
}

TEST(Optimizer, AParameterWithoutGradientStaysWhileItsAverageFollows) {
  for (const UpdatePath path : {UpdatePath::kKernels, UpdatePath::kFlatCalls}) {
    torch::nn::Linear network(20, 3);
    torch::nn::Linear shadow(20, 3);
    parallel::Arena arena({{"weight", network->weight, 0}, {"bias", network->bias, 0}}, 1 << 20);
    Ema ema(arena, *network, *shadow, {.decay = 0.75});
    ema.set();
    Optimizer optimizer(arena, options_of(OptimizerKind::kAdamW), path);
    {
      const at::NoGradGuard no_grad;
      network->weight.fill_(4);
      shadow->weight.zero_();
    }
    const at::Tensor bias = network->bias.detach().clone();
    network->bias.sum().backward();
    ema.begin_update(2);
    optimizer.step({1e-2, std::nullopt, 1}, &ema);
    EXPECT_TRUE(at::equal(network->weight, at::full({3, 20}, 4.F)));
    EXPECT_TRUE(at::equal(shadow->weight, at::full({3, 20}, 1.F)));
    EXPECT_FALSE(at::equal(network->bias, bias));
    EXPECT_TRUE(at::allclose(shadow->bias, bias + 0.25 * (network->bias.detach() - bias)));
    const State state = as_map(optimizer.state());
    EXPECT_EQ(state.at("step.weight").item<float>(), 0);
    EXPECT_EQ(state.at("step.bias").item<float>(), 1);
  }
}

TEST(Optimizer, RefusesTheStateOfAnotherNetwork) {
  Laid laid(random_tensors(1), 600);
  Optimizer optimizer(*laid.arena, options_of(OptimizerKind::kAdamW));
  State wrong = as_map(optimizer.state());
  wrong.erase("exp_avg.p2");
  EXPECT_THROW(optimizer.load_state(wrong, Missing::kError), DataError);
  EXPECT_THROW(optimizer.load_state(wrong, Missing::kFresh), DataError);  // half a parameter is not a new one
  wrong["exp_avg.p2"] = torch::zeros({5});
  EXPECT_THROW(optimizer.load_state(wrong, Missing::kError), DataError);
}

TEST(Optimizer, ParametersThatWereThawedSinceStartAnew) {
  Laid laid(random_tensors(1), 600);
  Optimizer optimizer(*laid.arena, options_of(OptimizerKind::kAdamW));
  laid.backward(random_gradients(0));
  optimizer.step({1e-2, std::nullopt, 1}, nullptr);
  State partial = as_map(optimizer.state());
  for (const char* name : {"step.p2", "exp_avg.p2", "exp_avg_sq.p2"}) {
    partial.erase(name);
  }
  EXPECT_THROW(optimizer.load_state(partial, Missing::kError), DataError);
  optimizer.load_state(partial, Missing::kFresh);
  const State loaded = as_map(optimizer.state());
  EXPECT_EQ(loaded.at("step.p2").item<float>(), 0);
  EXPECT_EQ(loaded.at("exp_avg.p2").abs().max().item<float>(), 0);
  EXPECT_EQ(loaded.at("exp_avg_sq.p2").abs().max().item<float>(), 0);
  EXPECT_EQ(loaded.at("step.p1").item<float>(), 1);
  EXPECT_TRUE(at::equal(loaded.at("exp_avg.p1"), partial.at("exp_avg.p1")));
}

void expect_refused(const OptimizerOptions& options, const std::string& flag) {
  try {
    options.validate();
    ADD_FAILURE() << "accepted, though " << flag << " is wrong";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(flag));
  }
}

TEST(OptimizerOptions, RefusalsNameTheFlag) {
  OptimizerOptions options;
  options.weight_decay = {-0.1};
  expect_refused(options, "--weight-decay");
  options = {.beta1 = 1};
  expect_refused(options, "--beta1");
  options = {.beta2 = -1};
  expect_refused(options, "--beta2");
  options = {.epsilon = std::nan("")};
  expect_refused(options, "--epsilon");
  expect_refused(options_of(OptimizerKind::kSgd, 1), "--momentum");
  expect_refused(options_of(OptimizerKind::kSgd, 0, true), "--nesterov");
  options_of(OptimizerKind::kAdamW, 0, true).validate();  // neither is an option of AdamW
}

}  // namespace
}  // namespace lockstep::optim::optimizer_test
