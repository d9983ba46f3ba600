#include "lockstep/data/epoch_order.h"

#include <limits>
#include <numeric>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/random.h"

namespace lockstep::data {

EpochOrder dataset_order(std::uint64_t size) {
  LOCKSTEP_ASSERT(size <= std::numeric_limits<std::uint32_t>::max(), "too many samples in an epoch");
  EpochOrder order(size);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

EpochOrder shuffled_order(std::uint64_t seed, std::uint64_t epoch, std::uint64_t size) {
  EpochOrder order = dataset_order(size);
  RandomStream random({seed, Purpose::kOrder, epoch, 0, 0});
  for (std::uint64_t left = size; left > 1; --left) {
    std::swap(order[left - 1], order[random.below(left)]);
  }
  return order;
}

}  // namespace lockstep::data
