#pragma once

#include <cstdint>
#include <vector>

namespace lockstep::data {

/// Which sample of the dataset stands at each position of an epoch: a permutation of 0 … size - 1.
using EpochOrder = std::vector<std::uint32_t>;

/// The shuffled order of an epoch, a function of its arguments alone (Fisher and Yates). Size must be below 2^32.
EpochOrder shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::uint64_t size);

/// The order of the dataset itself. Size must be below 2^32.
EpochOrder dataset_order(std::uint64_t size);

}  // namespace lockstep::data
