#include "lockstep/metrics/confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

namespace lockstep::metrics {
namespace {

TEST(StudentT, EqualsScipy) {
  // scipy.stats.t.ppf(0.975, degrees)
  const std::pair<std::size_t, double> expected[] = {
      {1, 12.706204736174694}, {2, 4.302652729749462},   {3, 3.1824463052837078},      {4, 2.7764451051977934},
      {9, 2.262157162798205},  {30, 2.0422724563012378}, {99, 1.9842169515864174},     {599, 1.9639322489452784},
      {999, 1.96234146113345}, {100000, 1.959987707535}, {10000000, 1.959964221767205}};
  for (const auto& [degrees, value] : expected) {
    EXPECT_NEAR(student_t_975(degrees), value, 1e-6) << degrees;
  }
}

TEST(MeanInterval, IsMeanAndHalfWidth) {
  const MeanInterval interval = mean_interval(std::vector<double>{1, 2, 3, 4});
  EXPECT_EQ(interval.mean, 2.5);
  // The standard deviation is sqrt(5 / 3), that of the mean half of it.
  EXPECT_NEAR(interval.half_width, 3.182446305284263 * std::sqrt(5.0 / 3) / 2, 1e-9);
}

TEST(MeanInterval, OfEqualValuesHasNoWidth) { EXPECT_EQ(mean_interval(std::vector<double>(5, 0.25)).half_width, 0); }

TEST(MeanInterval, OfOneValueHasNoKnownWidth) {
  const MeanInterval interval = mean_interval(std::vector<double>{0.7});
  EXPECT_EQ(interval.mean, 0.7);
  EXPECT_TRUE(std::isnan(interval.half_width));
  EXPECT_THROW(mean_interval({}), std::logic_error);
}

}  // namespace
}  // namespace lockstep::metrics
