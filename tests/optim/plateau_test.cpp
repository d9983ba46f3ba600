#include "lockstep/optim/plateau.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iomanip>
#include <limits>
#include <sstream>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/base/text.h"
#include "tests/support/process.h"

namespace lockstep::optim::plateau_test {
namespace {

struct Row {
  PlateauOptions options;
  double learning_rate = 1;
  double min_learning_rate = 0;
  std::vector<double> metrics;
};

/// A metric that rises, stands still, falls, or is none.
double next_metric(RandomStream& random, double level) {
  const double kind = random.uniform();
  if (kind < 0.05) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (kind < 0.07) {
    return -std::numeric_limits<double>::infinity();
  }
  return kind < 0.3 ? level : level + random.uniform(-0.05, 0.05);
}

Row random_row(std::uint64_t seed) {
  RandomStream random({.seed = seed, .purpose = Purpose::kSelection});
  Row row;
  row.options.factor = random.uniform(0.05, 0.95);
  row.options.patience = static_cast<std::int64_t>(random.below(5));
  row.options.threshold = random.chance(0.5) ? 1e-4 : random.uniform(0, 0.05);
  row.options.cooldown = static_cast<std::int64_t>(random.below(4));
  row.learning_rate = std::pow(10, random.uniform(-7, 0));
  row.min_learning_rate = random.chance(0.5) ? row.learning_rate * random.uniform(0, 0.3) : 0;
  const double level = random.uniform(-1, 1);  // a metric below 0 has a best that is harder to exceed
  const double slope = random.uniform(0, 0.01);
  for (int i = 0; i < 80; ++i) {
    row.metrics.push_back(next_metric(random, level + slope * i));
  }
  return row;
}

std::string argument_of(const Row& row) {
  std::ostringstream words;
  words << std::setprecision(17) << row.learning_rate << ',' << row.options.factor << ',' << row.options.patience << ','
        << row.options.threshold << ',' << row.options.cooldown << ',' << row.min_learning_rate;
  for (const double metric : row.metrics) {
    words << ',' << metric;
  }
  return words.str();
}

TEST(Plateau, EqualsPyTorchAfterAnyMetrics) {
  if (!test::python_has({"torch"})) {
    GTEST_SKIP() << "needs Python with PyTorch";
  }
  std::vector<Row> rows;
  std::vector<std::string> arguments;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    rows.push_back(random_row(seed));
    arguments.push_back(argument_of(rows.back()));
  }
  const test::ProcessResult result = test::run_python("tests/optim/plateau_reference.py", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  std::istringstream numbers(result.output);
  std::int64_t reductions = 0;
  for (const Row& row : rows) {
    PlateauState state;
    for (std::size_t i = 0; i < row.metrics.size(); ++i) {
      double expected = 0;
      ASSERT_TRUE(numbers >> expected);
      state = observed(row.options, state, row.metrics[i]);
      ASSERT_EQ(reduced_rate(row.options, state, row.learning_rate, row.min_learning_rate), expected)
          << argument_of(row) << ", metric " << i;
    }
    reductions += state.reductions;
  }
  EXPECT_GT(reductions, 100);  // else little was compared
}

TEST(Plateau, BearsAsManyEvaluationsWithoutAGainAsItsPatience) {
  const PlateauOptions options{.patience = 2};
  PlateauState state = observed(options, {}, 0.5);
  state = observed(options, observed(options, state, 0.4), 0.5);
  EXPECT_EQ(state.bad_evaluations, 2);
  EXPECT_EQ(state.reductions, 0);
  EXPECT_EQ(observed(options, state, 0.6).reductions, 0);
  EXPECT_EQ(observed(options, state, 0.3).reductions, 1);
}

}  // namespace
}  // namespace lockstep::optim::plateau_test
