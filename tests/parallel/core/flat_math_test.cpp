#include "lockstep/parallel/core/flat_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace lockstep::parallel::flat_math_test {
namespace {

std::vector<float> random_values(std::size_t count) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) {
    value = normal(generator);
  }
  return values;
}

TEST(SumOfSquares, EqualsTheSumInLongDouble) {
  for (const std::size_t count : {0U, 1U, 31U, 32U, 33U, 1000U, 100'001U}) {
    const std::vector<float> values = random_values(count);
    long double expected = 0;
    for (const float value : values) {
      expected += static_cast<long double>(value) * value;
    }
    EXPECT_NEAR(sum_of_squares(values), static_cast<double>(expected), 1e-14 * static_cast<double>(expected)) << count;
  }
}

TEST(SumOfSquares, SumsSmallValuesBesideLargeOnes) {
  std::vector<float> values(1'000'001, 1e-3F);
  values.front() = 1e3F;  // in float32 nothing would be left of the others
  EXPECT_NEAR(sum_of_squares(values), 1e6 + 1, 1e-6);
}

TEST(SumOfSquares, IsTheSameBitsWhereverTheValuesLie) {
  const std::vector<float> values = random_values(1003);
  const double expected = sum_of_squares(values);
  std::vector<float> room(1100);
  for (std::size_t shift = 0; shift < 64; ++shift) {
    std::copy(values.begin(), values.end(), room.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_EQ(sum_of_squares({room.data() + shift, values.size()}), expected) << shift;
  }
}

TEST(SumOfSquares, IsNotFiniteWhereAValueIsNot) {
  for (const std::size_t place : {0U, 40U, 66U}) {
    std::vector<float> values = random_values(67);
    values[place] = std::numeric_limits<float>::infinity();
    EXPECT_FALSE(std::isfinite(sum_of_squares(values)));
    values[place] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(std::isfinite(sum_of_squares(values)));
  }
}

}  // namespace
}  // namespace lockstep::parallel::flat_math_test
