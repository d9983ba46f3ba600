#include "lockstep/nn/activation_checkpoint.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/torch.h>

#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"
#include "tests/support/memory_meter.h"

namespace lockstep::nn::activation_checkpoint_test {
namespace {

constexpr std::int64_t kChannels = 4;

/// A residual block with all that a second run could get wrong: batch norm, dropout, drop path.
struct Block : torch::nn::Module, KaimingInitialised {
  explicit Block(LayerCounter& layers)
      : conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(kChannels, kChannels, 3).padding(1)))),
        norm(register_module("norm", torch::nn::BatchNorm2d(kChannels))),
        dropout(register_module("dropout", std::make_shared<ChannelDropout>(0.4, layers.next()))),
        drop_path(register_module("drop_path", std::make_shared<DropPath>(0.4, layers.next()))),
        gamma(register_parameter("gamma", at::full({kChannels, 1, 1}, 0.7))) {}

  at::Tensor forward(const at::Tensor& x) {
    ++runs;
    return drop_path->add_branch(x, dropout->forward(at::gelu(norm->forward(conv->forward(x)))), gamma);
  }

  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d norm;
  std::shared_ptr<ChannelDropout> dropout;
  std::shared_ptr<DropPath> drop_path;
  at::Tensor gamma;
  int runs = 0;
};

/// Blocks in a row; `order` says which block comes when, so that one can come twice.
struct Network {
  explicit Network(std::vector<std::size_t> order_of_blocks) : order(std::move(order_of_blocks)) {
    LayerCounter layers;
    for (std::size_t i = 0; i <= *std::max_element(order.begin(), order.end()); ++i) {
      blocks.push_back(std::make_shared<Block>(layers));
      initialise(*blocks.back(), i);
    }
  }

  at::Tensor forward(at::Tensor x, bool with_checkpoints) {
    for (const std::size_t i : order) {
      const auto block = blocks[i];
      const auto run = [block](const at::Tensor& input) { return block->forward(input); };
      x = with_checkpoints ? checkpointed(block, x, run) : run(x);
    }
    return x;
  }

  std::vector<std::size_t> order;
  std::vector<std::shared_ptr<Block>> blocks;
};

at::Tensor images(std::int64_t side = 8) {
  return at::linspace(-3, 3, 3 * kChannels * side * side).view({3, kChannels, side, side}).sin();
}

/// Runs forward and backward as a training step does. Gives the outputs, the gradient of the input (where it asks for
/// one), the gradients of the parameters and the buffers.
std::vector<at::Tensor> train(Network& network, const at::Tensor& input, bool with_checkpoints) {
  const std::vector<std::uint64_t> samples{10, 11, 12};
  at::Tensor output;
  {
    const RandomScope scope(1, 2, samples);
    output = network.forward(input, with_checkpoints);
  }
  const RandomScope other_scope(99, 98, samples);  // that of another pass, say
  output.square().sum().backward();
  std::vector<at::Tensor> results{output, input.grad()};
  for (const auto& block : network.blocks) {
    for (const at::Tensor& parameter : block->parameters()) {
      results.push_back(parameter.grad());
    }
    for (const at::Tensor& buffer : block->buffers()) {
      results.push_back(buffer);
    }
  }
  return results;
}

void expect_same_bits(const std::vector<at::Tensor>& results, const std::vector<at::Tensor>& expected) {
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].defined(), expected[i].defined()) << i;
    if (results[i].defined()) {
      EXPECT_TRUE(at::equal(results[i], expected[i])) << i;
    }
  }
}

TEST(ActivationCheckpoint, GivesTheSameBitsAsWithout) {
  const at::Tensor input = images().requires_grad_();
  Network plain({0, 1, 2});
  const std::vector<at::Tensor> expected = train(plain, input, false);
  EXPECT_EQ(plain.blocks[0]->norm->num_batches_tracked.item<std::int64_t>(), 1);
  EXPECT_GT(expected[1].abs().max().item<double>(), 0.0);

  const at::Tensor same_input = images().requires_grad_();
  Network network({0, 1, 2});
  expect_same_bits(train(network, same_input, true), expected);
  EXPECT_EQ(network.blocks[0]->runs, 2);
}

TEST(ActivationCheckpoint, LeavesFrozenPartsAndInputsAlone) {
  const auto freeze = [](Network& network) {
    network.blocks[0]->conv->weight.requires_grad_(false);
    for (const at::Tensor& parameter : network.blocks[1]->parameters()) {
      parameter.requires_grad_(false);
    }
  };
  Network plain({0, 1, 2});
  freeze(plain);
  const std::vector<at::Tensor> expected = train(plain, images(), false);
  Network network({0, 1, 2});
  freeze(network);
  const std::vector<at::Tensor> results = train(network, images(), true);
  expect_same_bits(results, expected);
  EXPECT_FALSE(network.blocks[0]->conv->weight.grad().defined());
  EXPECT_TRUE(network.blocks[0]->gamma.grad().defined());
}

struct CountingHook : torch::autograd::FunctionPostHook {
  explicit CountingHook(int& counter) : count(counter) {}
  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    ++count;
    return outputs;
  }
  int& count;
};

TEST(ActivationCheckpoint, CountsSharedWeightsOnce) {
  Network plain({0, 1, 0});
  const std::vector<at::Tensor> expected = train(plain, images(), false);
  EXPECT_EQ(plain.blocks[0]->norm->num_batches_tracked.item<std::int64_t>(), 2);

  Network network({0, 1, 0});
  int fired = 0;
  const auto accumulator = torch::autograd::impl::grad_accumulator(network.blocks[0]->conv->weight);
  accumulator->add_post_hook(std::make_unique<CountingHook>(fired));
  expect_same_bits(train(network, images(), true), expected);
  EXPECT_EQ(fired, 1);
}

TEST(ActivationCheckpoint, SharesAWeightWithinASegment) {
  const auto linear = std::make_shared<torch::nn::LinearImpl>(3, 3);
  const auto twice = [linear](const std::vector<at::Tensor>& inputs) {
    return std::vector{linear->forward(linear->forward(inputs.front()))};
  };
  const at::Tensor input = at::linspace(-1, 1, 6).view({2, 3});
  twice({input}).front().sum().backward();
  const at::Tensor expected = linear->weight.grad().clone();
  linear->zero_grad();
  checkpointed({linear, linear}, {input}, twice).front().sum().backward();
  EXPECT_TRUE(at::equal(linear->weight.grad(), expected));
}

TEST(ActivationCheckpoint, TakesAndGivesSeveralTensors) {
  const auto linear = std::make_shared<torch::nn::LinearImpl>(3, 3);
  const auto forward = [linear](const std::vector<at::Tensor>& inputs) {
    const at::Tensor chosen = inputs[0].index_select(0, inputs[1]);
    return std::vector{linear->forward(chosen), chosen * 2, inputs[1] + 1};
  };
  const at::Tensor rows = at::tensor({std::int64_t{1}, std::int64_t{1}, std::int64_t{0}});
  std::array<at::Tensor, 2> gradients;
  std::array<at::Tensor, 2> weight_gradients;
  for (const int with : {0, 1}) {
    linear->zero_grad();
    const at::Tensor input = at::linspace(-1, 1, 6).view({2, 3}).requires_grad_();
    const auto outputs = with == 1 ? checkpointed({linear}, {input, rows}, forward) : forward({input, rows});
    EXPECT_FALSE(outputs[2].requires_grad());
    outputs[0].square().sum().backward();  // the second output plays no part
    gradients[static_cast<std::size_t>(with)] = input.grad();
    weight_gradients[static_cast<std::size_t>(with)] = linear->weight.grad().clone();
  }
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
  EXPECT_TRUE(at::equal(weight_gradients[0], weight_gradients[1]));
}

TEST(ActivationCheckpoint, IsTheSegmentItselfInEvaluation) {
  Network network({0, 1});
  for (const auto& block : network.blocks) {
    block->eval();
  }
  const at::Tensor expected = network.forward(images(), false);
  const at::NoGradGuard no_gradient;
  const at::Tensor output = network.forward(images(), true);
  EXPECT_TRUE(at::equal(output, expected));
  EXPECT_FALSE(output.requires_grad());
}

TEST(ActivationCheckpoint, RepeatsTheAutocastOfTheForwardPass) {
  const auto train_in_bfloat16 = [](bool with_checkpoints) {
    Network network({0, 1});
    const std::vector<std::uint64_t> samples{10, 11, 12};
    const RandomScope scope(1, 2, samples);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    const at::Tensor output = network.forward(images(), with_checkpoints);
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    output.to(at::kFloat).square().sum().backward();
    EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
    EXPECT_TRUE(at::autocast::is_autocast_cache_enabled());
    return std::vector{output, network.blocks[0]->conv->weight.grad(), network.blocks[1]->conv->bias.grad()};
  };
  expect_same_bits(train_in_bfloat16(true), train_in_bfloat16(false));
}

// Without a graph the first use would leave a cast of the weight in autocast's cache that passes no gradient on.
TEST(ActivationCheckpoint, DoesNotCutOffTheNextUserOfAWeightUnderAutocast) {
  const auto linear = std::make_shared<torch::nn::LinearImpl>(3, 3);
  const auto run = [linear](const at::Tensor& input) { return linear->forward(input); };
  const at::Tensor input = at::linspace(-1, 1, 6).view({2, 3});
  at::autocast::set_autocast_enabled(at::kCPU, true);
  checkpointed(linear, input, run);
  const at::Tensor output = linear->forward(input);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  output.sum().backward();
  EXPECT_TRUE(linear->weight.grad().defined());
}

TEST(ActivationCheckpoint, HoldsLessMemory) {
  const auto peak_of_training = [](bool with_checkpoints) {
    Network network({0, 1, 2, 3, 4, 5, 6, 7});
    const at::Tensor input = images(64);
    const test::MemoryMeter meter;
    train(network, input, with_checkpoints);
    return meter.peak_bytes();
  };
  const std::int64_t without = peak_of_training(false);
  const std::int64_t with = peak_of_training(true);
  EXPECT_LT(static_cast<double>(with), 0.6 * static_cast<double>(without));
}

}  // namespace
}  // namespace lockstep::nn::activation_checkpoint_test
