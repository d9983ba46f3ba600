#include "lockstep/optim/loss_scaler.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "lockstep/base/text.h"
#include "tests/support/process.h"

namespace lockstep::optim::loss_scaler_test {
namespace {

struct Run {
  LossScalerOptions options;
  std::string steps;  ///< as loss_scaler_reference.py takes them
};

const std::vector<Run> kRuns = {
    {{}, "o/x/o/o/x/x/o"},
    {{.initial_scale = 8, .growth_interval = 3}, "o/o/o/o/o/x/o/o/o/o/x/o/x/o/o/o"},
    {{.initial_scale = 1024, .growth_factor = 1.7, .backoff_factor = 0.3, .growth_interval = 2},
     "o/o/x/o/o/o/o/x/x/o/o"},
    {{.initial_scale = 64, .growth_interval = 2}, "oo/ox/oo/oo/xo/oo/xx/oooo/ooxo/oo/oo"},
    {{.initial_scale = 2e38, .growth_interval = 1}, "o/o/x/o/o"},  // it does not grow past float32
    {{.initial_scale = 3e-38, .growth_interval = 100}, "x/x/x/x"}};

TEST(LossScaler, EqualsGradScalerStepByStep) {
  if (!test::python_has({"torch"})) {
    GTEST_SKIP() << "needs Python with PyTorch";
  }
  std::vector<std::string> arguments;
  for (const auto& [options, steps] : kRuns) {
    arguments.push_back(text(options.initial_scale, ',', options.growth_factor, ',', options.backoff_factor, ',',
                             options.growth_interval, ',', steps));
  }
  const auto result = test::run_python("tests/optim/loss_scaler_reference.py", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream lines(result.output);
  for (std::size_t run = 0; run < kRuns.size(); ++run) {
    LossScaler scaler(kRuns[run].options);
    std::istringstream steps(kRuns[run].steps);
    for (std::string passes; std::getline(steps, passes, '/');) {
      scaler.update(passes.find('x') != std::string::npos);
      double scale = 0;
      int growth_tracker = 0;
      ASSERT_TRUE(lines >> scale >> growth_tracker);
      EXPECT_EQ(scaler.scale(), scale) << arguments[run];
      EXPECT_EQ(scaler.state().growth_tracker, growth_tracker) << arguments[run];
    }
  }
}

TEST(LossScaler, GoesOnFromASavedState) {
  LossScaler straight({.initial_scale = 16, .growth_interval = 3});
  straight.update(false);
  straight.update(false);
  LossScaler resumed({.initial_scale = 4, .growth_interval = 3});
  resumed.load_state(straight.state());
  resumed.update(false);
  EXPECT_EQ(resumed.state(), (LossScalerState{32, 0}));
}

TEST(LossScalerOptions, AreInTheirRanges) {
  EXPECT_THROW(LossScaler({.initial_scale = 0}), std::logic_error);
  EXPECT_THROW(LossScaler({.initial_scale = 1e39}), std::logic_error);
  EXPECT_THROW(LossScaler({.growth_factor = 1}), std::logic_error);
  EXPECT_THROW(LossScaler({.backoff_factor = 1}), std::logic_error);
  EXPECT_THROW(LossScaler({.growth_interval = 0}), std::logic_error);
}

}  // namespace
}  // namespace lockstep::optim::loss_scaler_test
