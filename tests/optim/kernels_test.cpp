#include "lockstep/optim/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace lockstep::optim::kernels_test {
namespace {

constexpr std::size_t kLength = 300;
constexpr std::size_t kArrays = 4;

using Arrays = std::array<std::vector<float>, kArrays>;
using Kernel = std::function<void(std::size_t count, const std::array<float*, kArrays>& arrays)>;

struct NamedKernel {
  const char* name;
  Kernel run;
};

const AdamFactors kAdam = {.gradient = 0.3F,
                           .l2 = 0.01F,
                           .shrink = 0.999F,
                           .mean_weight = 0.1F,
                           .square_decay = 0.99F,
                           .square_weight = 0.01F,
                           .step_size = 0.02F,
                           .epsilon = 1e-5F};
const SgdFactors kSgd = {.gradient = 0.3F, .l2 = 0.01F, .momentum = 0.87F, .learning_rate = 0.07F, .nesterov = true};

const std::vector<NamedKernel> kKernels = {
    {"adam", [](std::size_t n, const auto& a) { adam(kAdam, n, a[0], a[1], a[2], a[3]); }},
    {"sgd_with_momentum", [](std::size_t n, const auto& a) { sgd_with_momentum(kSgd, n, a[0], a[1], a[2]); }},
    {"plain_sgd", [](std::size_t n, const auto& a) { plain_sgd(kSgd, n, a[0], a[1]); }},
    {"lerp", [](std::size_t n, const auto& a) { lerp(0.3F, n, a[0], a[1]); }},
    {"lerp from the end", [](std::size_t n, const auto& a) { lerp(0.9F, n, a[0], a[1]); }}};

Arrays random_arrays() {
  std::mt19937 generator(5);
  std::uniform_real_distribution<float> uniform(0.001F, 1);  // second moments are not negative
  Arrays arrays;
  for (auto& array : arrays) {
    array.resize(kLength);
    for (float& value : array) {
      value = uniform(generator);
    }
  }
  return arrays;
}

std::array<float*, kArrays> from(Arrays& arrays, std::size_t first) {
  return {arrays[0].data() + first, arrays[1].data() + first, arrays[2].data() + first, arrays[3].data() + first};
}

// Vectorised loops treat the first and the last elements apart; they must not treat them otherwise.
TEST(Kernels, BitsDependNeitherOnPlaceNorOnLength) {
  for (const auto& [name, run] : kKernels) {
    Arrays one_by_one = random_arrays();
    for (std::size_t i = 0; i < kLength; ++i) {
      run(1, from(one_by_one, i));
    }
    for (const std::size_t length : {std::size_t{7}, std::size_t{16}, std::size_t{41}, kLength}) {
      Arrays in_pieces = random_arrays();
      for (std::size_t first = 0; first < kLength; first += length) {
        run(std::min(length, kLength - first), from(in_pieces, first));
      }
      EXPECT_EQ(in_pieces, one_by_one) << name << " in pieces of " << length;
    }
  }
}

TEST(Kernels, LeaveAloneWhatLiesBehindTheEnd) {
  for (const auto& [name, run] : kKernels) {
    Arrays arrays = random_arrays();
    run(101, from(arrays, 0));
    const Arrays before = random_arrays();
    EXPECT_NE(arrays[0][100], before[0][100]) << name;
    for (std::size_t array = 0; array < kArrays; ++array) {
      EXPECT_TRUE(std::equal(arrays[array].begin() + 101, arrays[array].end(), before[array].begin() + 101)) << name;
    }
  }
}

TEST(Kernels, LerpWithFullWeightGivesTheEndToTheBit) {
  std::vector<float> average = {1, 1e20F, -3};
  const std::vector<float> values = {0.1F, 1, 7};
  lerp(1, average.size(), average.data(), values.data());
  EXPECT_EQ(average, values);
}

TEST(Kernels, AdamStepsAsFarAsItsFormulaSays) {
  float value = 2;
  const float gradient = 3;
  float mean = 0.5F;
  float square = 4;
  adam(kAdam, 1, &value, &gradient, &mean, &square);
  const double total = 3 * 0.3 + 2 * 0.01;
  const double new_mean = 0.5 + 0.1 * (total - 0.5);
  const double new_square = 4 * 0.99 + total * total * 0.01;
  EXPECT_NEAR(mean, new_mean, 1e-6);
  EXPECT_NEAR(square, new_square, 1e-6);
  EXPECT_NEAR(value, 2 * 0.999 - 0.02 * new_mean / (std::sqrt(new_square) + 1e-5), 1e-6);
}

}  // namespace
}  // namespace lockstep::optim::kernels_test
