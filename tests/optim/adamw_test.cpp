#include "lockstep/optim/adamw.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

/// Two networks' worth of equal parameters: one for LibTorch's AdamW, one in the arena.
struct Twins {
  std::vector<at::Tensor> plain;
  std::vector<at::Tensor> laid;

  Twins() {
    for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{5, 7}, {7}, {33, 3}, {1}, {64}}) {
      const at::Tensor values = torch::randn(sizes, at::detail::createCPUGenerator(sizes[0]));
      plain.push_back(values.clone().requires_grad_());
      laid.push_back(values.clone().requires_grad_());
    }
  }

  std::vector<parallel::ArenaParameter> parameters() const {
    std::vector<parallel::ArenaParameter> parameters;
    for (std::size_t i = 0; i < laid.size(); ++i) {
      parameters.push_back({text("p", i), laid[i], laid[i].dim() > 1 ? 0 : 1});
    }
    return parameters;
  }
};

constexpr double kRate = 1e-2;

AdamWOptions options() { return {0.9, 0.999, 1e-8, {0.1, 0.0}}; }

torch::optim::AdamW reference(const Twins& twins) {
  const auto group = [&](bool decayed) {
    std::vector<at::Tensor> parameters;
    for (const at::Tensor& parameter : twins.plain) {
      if ((parameter.dim() > 1) == decayed) {
        parameters.push_back(parameter);
      }
    }
    torch::optim::OptimizerParamGroup made(parameters);
    made.set_options(std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions(kRate).weight_decay(decayed ? 0.1 : 0.0)));
    return made;
  };
  return torch::optim::AdamW({group(true), group(false)});
}

/// Gradients of one step; parameter `left_out` gets none.
void backward(const std::vector<at::Tensor>& parameters, int step, std::size_t left_out) {
  at::Tensor loss = torch::zeros({});
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (i != left_out) {
      loss = loss + (parameters[i] - 0.1 * step).pow(2).sum() * static_cast<double>(i + 1);
    }
  }
  loss.backward();
}

TEST(AdamW, EqualsTorchAlsoWhereAParameterIsNotUsed) {
  for (const std::int64_t bucket_bytes : {1, 300, 1 << 20}) {
    Twins twins;
    auto torchs = reference(twins);
    parallel::Arena arena(twins.parameters(), bucket_bytes);
    AdamW ours(arena, options());
    for (int step = 0; step < 20; ++step) {
      const std::size_t left_out = step % 3 == 0 ? 2 : 99;
      torchs.zero_grad(/*set_to_none=*/true);
      backward(twins.plain, step, left_out);
      torchs.step();
      arena.zero_gradients();
      backward(twins.laid, step, left_out);
      ours.step(kRate, 0.9);
    }
    for (std::size_t i = 0; i < twins.plain.size(); ++i) {
      EXPECT_TRUE(at::allclose(twins.plain[i], twins.laid[i], 1e-6, 1e-7)) << "parameter " << i;
    }
  }
}

TEST(AdamW, GoesOnFromASavedStateToTheSameBits) {
  Twins straight;
  Twins resumed;
  parallel::Arena straight_arena(straight.parameters(), 300);
  parallel::Arena resumed_arena(resumed.parameters(), 300);
  AdamW one(straight_arena, options());
  AdamW other(resumed_arena, options());
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      for (std::size_t i = 0; i < straight.laid.size(); ++i) {
        resumed.laid[i].data().copy_(straight.laid[i]);
      }
      const auto state = one.state();
      other.load_state({state.begin(), state.end()});
    }
    straight_arena.zero_gradients();
    backward(straight.laid, step, 99);
    one.step(kRate, 0.9);
    if (step >= 3) {
      resumed_arena.zero_gradients();
      backward(resumed.laid, step, 99);
      other.step(kRate, 0.9);
    }
  }
  for (std::size_t i = 0; i < straight.laid.size(); ++i) {
    EXPECT_TRUE(at::equal(straight.laid[i], resumed.laid[i])) << "parameter " << i;
  }
}

TEST(AdamW, RefusesTheStateOfAnotherNetwork) {
  Twins twins;
  parallel::Arena arena(twins.parameters(), 300);
  AdamW ours(arena, options());
  auto state = ours.state();
  std::map<std::string, at::Tensor> wrong(state.begin(), state.end());
  wrong.erase("exp_avg.p2");
  EXPECT_THROW(ours.load_state(wrong), DataError);
  wrong["exp_avg.p2"] = torch::zeros({5});
  EXPECT_THROW(ours.load_state(wrong), DataError);
}

}  // namespace
}  // namespace lockstep::optim
