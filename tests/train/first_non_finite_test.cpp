#include "lockstep/train/first_non_finite.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <limits>

#include "lockstep/parallel/launch.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/replica.h"
#include "tests/support/tiny_tasks.h"
#include "tests/train/runs.h"

namespace lockstep::train::first_non_finite_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What a network does with what its layers hand on: the sample and the values between the second and the third layer.
using Fault = std::function<at::Tensor(const at::Tensor& values, const data::Batch& batch)>;

/// The identity whose gradient is computed by no operation at all.
class Silent : public torch::autograd::Function<Silent> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& values) { return values.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 const torch::autograd::variable_list& gradients) {
    return gradients;
  }
};

/// Three layers, the second one with a norm.
class Chain : public torch::nn::Module {
 public:
  Chain(Fault fault, bool batch_norm) : fault_(std::move(fault)) {
    register_module("stem", stem_);
    middle_->push_back(torch::nn::Linear(4, 4));
    if (batch_norm) {
      middle_->push_back(torch::nn::BatchNorm1d(4));
    } else {
      middle_->push_back(torch::nn::LayerNorm(torch::nn::LayerNormOptions({4})));
    }
    register_module("middle", middle_);
    register_module("head", head_);
  }

  /// (batch, features) to (batch, 1)
  at::Tensor forward(const at::Tensor& features, const data::Batch& batch) {
    return head_(fault_(middle_->forward(Silent::apply(at::gelu(stem_(features)))), batch));
  }

 private:
  Fault fault_;
  torch::nn::Linear stem_{8, 4};
  torch::nn::Sequential middle_;
  torch::nn::Linear head_{4, 1};
};

class ChainModel : public tasks::Model {
 public:
  ChainModel(const Fault& fault, bool batch_norm) : network_(std::make_shared<Chain>(fault, batch_norm)) {
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : network_->parameters()) {
      parameter.copy_(at::linspace(-0.5, 0.5, parameter.numel()).view(parameter.sizes()));
    }
  }

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return ""; }
  at::Tensor losses(const tasks::DeviceBatch& batch) override {
    const at::Tensor features = batch.fields[0].to(at::kFloat).div(255).flatten(1).narrow(1, 0, 8);
    return network_->forward(features, batch.host).squeeze(1).to(at::kFloat).square();
  }
  std::vector<tasks::Record> score(const tasks::DeviceBatch&) override { return {}; }
  std::vector<tasks::Example> illustrate(const tasks::DeviceBatch&) override { return {}; }

 private:
  std::shared_ptr<Chain> network_;
};

/// The patches, for a network in which a test plants a fault.
class ChainTask : public tasks::Task {
 public:
  ChainTask(Fault fault, bool batch_norm) : fault_(std::move(fault)), batch_norm_(batch_norm) {}

  std::string name() const override { return "chain"; }
  const data::Dataset& training_set() const override { return patches_->training_set(); }
  const data::Dataset& evaluation_set() const override { return patches_->evaluation_set(); }
  std::unique_ptr<tasks::Model> make_model(std::optional<std::uint64_t>) const override {
    return std::make_unique<ChainModel>(fault_, batch_norm_);
  }
  std::map<std::string, double> summarise(std::span<const tasks::Record>) const override { return {}; }
  std::string best_metric() const override { return "dice"; }

 private:
  Fault fault_;
  bool batch_norm_;
  std::unique_ptr<tasks::Task> patches_ = test::make_patch_task();
};

at::Tensor no_fault(const at::Tensor& values, const data::Batch&) { return values; }

/// Calls the operation for those rows whose sample is number 5 of the order.
Fault at_sample_5(const std::function<at::Tensor(const at::Tensor&)>& operation) {
  return [=](const at::Tensor& values, const data::Batch& batch) {
    std::vector<at::Tensor> rows;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const at::Tensor row = values[static_cast<std::int64_t>(i)];
      rows.push_back(batch.draws[i].position == 5 ? operation(row) : row);
    }
    return at::stack(rows);
  };
}

struct Search {
  Fault fault = no_fault;
  std::function<void(torch::nn::Module&)> plant = [](torch::nn::Module&) {};  ///< in the network
  std::string precision = "fp32";
  bool batch_norm = false;
};

/// What a rank finds that passes samples 0 to 3 and then 4 to 7.
std::optional<NonFinite> search(const Search& what) {
  const TempFolder folder;
  const ChainTask task(what.fault, what.batch_norm);
  TrainOptions options = options_in(folder, 1);
  options.precision = what.precision;
  Plan plan{task, options};
  plan.stages = plan_stages(options, task, 1);
  plan.precision = choose_precision(options.precision, c10::kCPU);
  std::optional<NonFinite> found;
  parallel::launch({c10::kCPU}, {}, [&](parallel::Rank& rank) {
    Replica replica(task, options, rank);
    replica.enter(plan.stages.front(), 0, 0);
    {
      const at::NoGradGuard no_grad;
      what.plant(replica.model().network());
    }
    const auto before = replica.snapshot({});
    std::vector<at::Tensor> kept;
    for (const auto& [name, tensor] : before.model) {
      kept.push_back(tensor.clone());
    }
    StepPasses passes{{.step = 3}, 1.0 / 8, {{}, {}}};
    for (std::uint64_t position = 0; position < 8; ++position) {
      passes.draws[position / 4].push_back({options.seed, 0, position, position});
    }
    replica.sync().begin();
    replica.arena().buckets().front().gradients.fill_(42);
    found = find_first_non_finite(replica, plan, rank.device, passes);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_TRUE(at::equal(before.model[i].second.nan_to_num(), kept[i].nan_to_num())) << before.model[i].first;
    }
    EXPECT_TRUE(replica.arena().buckets().front().gradients.eq(42).all().item<bool>());
  });
  return found;
}

auto plant_in(const std::string& name, double number) {
  return [=](torch::nn::Module& network) { network.named_parameters()[name].view(-1)[0].fill_(number); };
}

TEST(FirstNonFinite, IsTheLayerWhoseWeightIsNotFinite) {
  for (const std::string layer : {"stem", "middle.0", "middle.1", "head"}) {
    for (const double number : {kInfinity, not_a_number()}) {
      SCOPED_TRACE(layer);
      const auto found = search({.plant = plant_in(layer + ".weight", number)});
      ASSERT_TRUE(found);
      EXPECT_FALSE(found->in_backward);
      EXPECT_EQ(found->place.module, layer);
      EXPECT_TRUE(found->place.takes_parameter);
      EXPECT_EQ(found->place.broken_parameter, "weight");
      EXPECT_EQ(found->samples, (std::vector<std::string>{"patch-0", "patch-1", "patch-2", "patch-3"}));
    }
  }
}

TEST(FirstNonFinite, OfAnOperationWithoutParametersComesAfterItsLayer) {
  const auto found = search({.fault = at_sample_5([](const at::Tensor& row) { return at::log(row.mul(0)); })});
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->in_backward);
  EXPECT_EQ(found->place.operation, "aten::log");
  EXPECT_EQ(found->place.module, "middle.1");
  EXPECT_FALSE(found->place.takes_parameter);
  EXPECT_EQ(found->samples, std::vector<std::string>{"patch-5"});
  EXPECT_EQ(describe(*found), "rank 0: forward pass, after middle.1 (aten::log); samples: patch-5");
}

TEST(FirstNonFinite, InBackwardIsTheOperationWhoseGradientItIs) {
  const auto found = search({.fault = at_sample_5([](const at::Tensor& row) { return row + row.mul(0).sqrt(); })});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->in_backward);
  EXPECT_EQ(found->place.operation, "aten::sqrt");
  EXPECT_EQ(found->place.module, "middle.1");
  EXPECT_EQ(found->samples, std::vector<std::string>{"patch-5"});
}

TEST(FirstNonFinite, InBackwardMayBeAGradientOfALayer) {
  // Large values behind a small weight: their product is fine, the sum of its squares is not.
  const auto found =
      search({.fault = [](const at::Tensor& values, const data::Batch&) { return values * 1e30; },
              .plant = [](torch::nn::Module& network) { network.named_parameters()["head.weight"].mul_(1e-15); }});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->in_backward);
  EXPECT_EQ(found->place.module, "head");
  EXPECT_TRUE(found->place.takes_parameter);
}

TEST(FirstNonFinite, IsFoundInReducedPrecision) {
  const auto found = search({.plant = plant_in("middle.0.weight", kInfinity), .precision = "bf16"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place.module, "middle.0");
  const auto overflow = search({.fault = at_sample_5([](const at::Tensor& row) {
                                  return row.to(at::kHalf).mul(60000).mul(60000).to(at::kFloat);
                                }),
                                .precision = "fp16"});
  ASSERT_TRUE(overflow);
  EXPECT_EQ(overflow->place.operation, "aten::mul");
  EXPECT_EQ(overflow->samples, std::vector<std::string>{"patch-5"});
}

TEST(FirstNonFinite, AnInfinityThatIsMeantToBeThereIsNone) {
  const Fault masked = [](const at::Tensor& values, const data::Batch&) {
    const at::Tensor mask = at::full({4, 4}, -kInfinity, at::kFloat).triu(1);  // as attention to what came before
    return (values.unsqueeze(1) + mask).softmax(2).select(2, 0);
  };
  EXPECT_FALSE(search({.fault = masked})) << "it ends in finite losses";
  const auto found = search({.fault = [=](const at::Tensor& values, const data::Batch& batch) {
    return at_sample_5([](const at::Tensor& row) { return at::log(row.mul(0)); })(masked(values, batch), batch);
  }});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place.operation, "aten::log");
}

TEST(FirstNonFinite, OfABatchThatCannotBeTakenApartIsThatOfAllItsSamples) {
  const auto found =
      search({.fault = at_sample_5([](const at::Tensor& row) { return row + row.mul(0).sqrt(); }), .batch_norm = true});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->in_backward);
  EXPECT_EQ(found->samples.size(), 4U) << "a batch norm does not take a sample alone";
}

TEST(FirstNonFinite, IsNothingWhereAllIsFinite) {
  EXPECT_FALSE(search({}));
  EXPECT_FALSE(search({.batch_norm = true}));
  EXPECT_FALSE(search({.precision = "bf16"}));
}

TEST(FirstNonFinite, TravelsAsJson) {
  const NonFinite found{2, true, {"aten::exp", "head", false, "bias"}, {"a", "b"}};
  EXPECT_EQ(describe(non_finite_from_json(to_json(found))), describe(found));
  EXPECT_EQ(describe(found),
            "rank 2: backward pass, after head, whose bias is itself not finite (aten::exp); samples: a, b");
}

}  // namespace
}  // namespace lockstep::train::first_non_finite_test
