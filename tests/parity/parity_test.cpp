// Trains the same twice, with Lockstep and with PyTorch, and compares; README.md says what, and how to ask for more.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lockstep/base/log.h"
#include "lockstep/checkpoint/snapshot_folder.h"
#include "lockstep/observe/run_history.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/train/run.h"
#include "tests/parity/exchange.h"
#include "tests/parity/task.h"
#include "tests/support/logged_lines.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::parity::parity_test {
namespace {

constexpr std::size_t kFirstSteps = 10;
constexpr double kFirstTolerance = 1e-5;  // of the losses, relative
constexpr double kTolerance = 1e-4;       // of all losses, of gradient norms, and of the change of the weights
constexpr double kRateTolerance = 1e-12;

std::unique_ptr<tasks::Task> task_of(const Case& one) {
  return make_task({one.network, one.options.seed, static_cast<std::size_t>(one.samples()), image_side()});
}

Outcome train_with_lockstep(const Case& one, const std::filesystem::path& folder) {
  const test::LoggedLines quiet;
  train::TrainOptions options = one.options;
  options.checkpoint_dir = folder;
  {
    const checkpoint::RunFolder run_folder(folder);
    const parallel::World world(parallel::parse_devices(options.devices));
    train::run(world, *task_of(one), options, &run_folder, nlohmann::json::object());
  }
  Outcome outcome;
  const observe::RunHistory history = observe::read_run_history(folder / "run.jsonl");
  for (const observe::StepEvent& step : history.steps) {
    outcome.losses.push_back(step.loss);
    outcome.gradient_norms.push_back(step.gradient_norm);
    outcome.learning_rates.push_back(step.learning_rate);
  }
  for (const observe::EvaluateEvent& evaluation : history.evaluations) {
    outcome.metrics.push_back(evaluation.metrics.at("likelihood"));
  }
  const auto snapshot = checkpoint::load_snapshot(checkpoint::SnapshotFolder(folder).last().value());
  outcome.weights = {snapshot.model.begin(), snapshot.model.end()};
  outcome.averages = {snapshot.ema.begin(), snapshot.ema.end()};
  return outcome;
}

/// Of the first `steps`, relative to their size.
double largest_difference(const std::vector<double>& ours, const std::vector<double>& theirs, std::size_t steps) {
  double largest = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    largest = std::max(largest, std::abs(ours.at(step) - theirs.at(step)) / std::abs(theirs.at(step)));
  }
  return largest;
}

struct Difference {
  double of_change = 0;  ///< the norm of the difference over the norm of the change, over all weights together
  std::string worst;     ///< the weight that has most of it
};

Difference difference_of(const Weights& ours, const Weights& theirs, const Weights& first) {
  EXPECT_EQ(ours.size(), theirs.size());
  EXPECT_FALSE(theirs.empty());
  double difference = 0;
  double change = 0;
  double largest = -1;
  Difference result;
  for (const auto& [name, weight] : theirs) {
    const at::Tensor expected = weight.to(at::kDouble);
    const double part = (ours.at(name) - expected).square().sum().item<double>();
    difference += part;
    change += (first.at(name) - expected).square().sum().item<double>();
    if (part > largest) {
      largest = part;
      result.worst = name;
    }
  }
  result.of_change = std::sqrt(difference / change);
  return result;
}

bool is_asked_for(const Case& one) {
  const testing::TestSuite& suite = *testing::UnitTest::GetInstance()->current_test_suite();
  for (int i = 0; i < suite.total_test_count(); ++i) {
    const testing::TestInfo& test = *suite.GetTestInfo(i);
    if (test.should_run() && std::string(test.name()).ends_with("/" + one.name)) {
      return true;
    }
  }
  return false;
}

class Parity : public testing::TestWithParam<Case> {
 protected:
  /// PyTorch takes longer to start than to train: one process does all cases.
  static void SetUpTestSuite() {
    if (!test::python_has({"torch", "timm", "safetensors"})) {
      return;
    }
    const test::TempFolder folder;
    std::vector<std::string> folders;
    for (const Case& one : all_cases()) {
      if (is_asked_for(one)) {
        folders.push_back(folder / one.name);
        write_case(folders.back(), one, *task_of(one));
      }
    }
    const test::ProcessResult run = test::run_python("tests/parity/reference.py", folders);
    ASSERT_EQ(run.exit_code, 0) << run.errors;
    for (const std::filesystem::path path : folders) {
      references_.emplace(path.filename(), read_reference(path));
    }
  }

  void SetUp() override {
    if (!test::python_has({"torch", "timm", "safetensors"})) {
      GTEST_SKIP() << "needs Python with PyTorch, timm and safetensors";
    }
    ASSERT_TRUE(references_.contains(GetParam().name)) << "PyTorch has not trained this";
  }

  static inline std::map<std::string, Outcome> references_;
};

TEST_P(Parity, EqualsPyTorch) {
  const Case& one = GetParam();
  const Outcome& theirs = references_.at(one.name);
  const test::TempFolder folder;
  const Outcome ours = train_with_lockstep(one, folder.path());

  ASSERT_EQ(ours.losses.size(), static_cast<std::size_t>(kSteps));
  ASSERT_EQ(theirs.losses.size(), ours.losses.size());
  EXPECT_LE(largest_difference(ours.learning_rates, theirs.learning_rates, kSteps), kRateTolerance);
  const double first_losses = largest_difference(ours.losses, theirs.losses, kFirstSteps);
  const double losses = largest_difference(ours.losses, theirs.losses, kSteps);
  EXPECT_LE(first_losses, kFirstTolerance);
  EXPECT_LE(losses, kTolerance);
  // Adam would learn nearly the same from gradients that are all too large.
  const double norms = largest_difference(ours.gradient_norms, theirs.gradient_norms, kSteps);
  EXPECT_LE(norms, kTolerance);
  ASSERT_EQ(ours.metrics.size(), theirs.metrics.size());
  const double metrics = largest_difference(ours.metrics, theirs.metrics, ours.metrics.size());
  EXPECT_LE(metrics, kTolerance);

  const Weights first = first_weights(one, *task_of(one));
  const Difference weights = difference_of(ours.weights, theirs.weights, first);
  EXPECT_LE(weights.of_change, kTolerance) << "most of it in " << weights.worst;
  std::cout << one << ": losses of the first " << kFirstSteps << " steps within " << first_losses << ", of all within "
            << losses << ", norms of gradients within " << norms << ", metrics within " << metrics
            << ", change of the weights within " << weights.of_change << " (most in " << weights.worst << ")";
  if (one.options.ema_decay > 0) {
    const Difference averages = difference_of(ours.averages, theirs.averages, first);
    EXPECT_LE(averages.of_change, kTolerance) << "of the averages, most of it in " << averages.worst;
    std::cout << ", of their average within " << averages.of_change;
  }
  std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(Cases, Parity, testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace lockstep::parity::parity_test
