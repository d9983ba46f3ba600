#include "lockstep/checkpoint/host_copy.h"

#include <gtest/gtest.h>

#include "tests/checkpoint/small_snapshot.h"

namespace lockstep::checkpoint::host_copy_test {
namespace {

std::vector<const void*> places(const Snapshot& snapshot) {
  std::vector<const void*> found;
  for (const NamedTensors* tensors : {&snapshot.model, &snapshot.ema, &snapshot.optimizer}) {
    for (const auto& [name, tensor] : *tensors) {
      found.push_back(tensor.data_ptr());
    }
  }
  return found;
}

TEST(HostCopy, StaysAsItWasTaken) {
  Snapshot snapshot = snapshot_at(3);
  snapshot.model[0].second.set_requires_grad(true);
  HostCopy copy;
  copy.take(snapshot);
  snapshot.model[0].second.detach().fill_(-1);
  EXPECT_TRUE(at::equal(copy.snapshot().model[0].second, at::full({2, 3}, 3.0)));
  EXPECT_FALSE(copy.snapshot().model[0].second.requires_grad());
  EXPECT_EQ(copy.snapshot().model[0].first, "weight");
  EXPECT_EQ(copy.snapshot().state.step, 3);
}

TEST(HostCopy, UsesItsMemoryAgain) {
  HostCopy copy;
  copy.take(snapshot_at(3));
  const auto before = places(copy.snapshot());
  copy.take(snapshot_at(4));
  EXPECT_EQ(places(copy.snapshot()), before);
  EXPECT_TRUE(at::equal(copy.snapshot().model[0].second, at::full({2, 3}, 4.0)));
}

TEST(HostCopy, FollowsTensorsThatComeGoOrChangeTheirShape) {
  HostCopy copy;
  copy.take(snapshot_at(3));
  Snapshot other = snapshot_at(4);
  other.model = {{"weight", at::ones({5})}};
  other.ema = {{"weight", at::zeros({5}, at::kDouble)}};
  copy.take(other);
  ASSERT_EQ(copy.snapshot().model.size(), 1U);
  EXPECT_TRUE(at::equal(copy.snapshot().model[0].second, at::ones({5})));
  EXPECT_EQ(copy.snapshot().ema[0].second.scalar_type(), at::kDouble);
  EXPECT_EQ(copy.bytes(), 5 * 4 + 5 * 8 + (6 * 4 + 8));
}

TEST(HostCopy, KeepsTheLayoutAndTheNumbersOfChannelsLast) {
  Snapshot snapshot = snapshot_at(1);
  const at::Tensor weight = at::arange(2 * 3 * 4 * 4, at::kFloat).reshape({2, 3, 4, 4});
  snapshot.model = {{"weight", weight.contiguous(at::MemoryFormat::ChannelsLast)}};
  HostCopy copy;
  copy.take(snapshot);
  EXPECT_TRUE(copy.snapshot().model[0].second.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(copy.snapshot().model[0].second, weight));
}

TEST(HostCopy, OfAGpuIsOnTheHost) {
  if (!torch::cuda::is_available()) {
    GTEST_SKIP() << "needs a GPU";
  }
  Snapshot snapshot = snapshot_at(3);
  for (auto& [name, tensor] : snapshot.model) {
    tensor = tensor.cuda();
  }
  HostCopy copy;
  copy.take(snapshot);
  snapshot.model[0].second.fill_(-1);
  EXPECT_TRUE(copy.snapshot().model[0].second.is_cpu());
  EXPECT_TRUE(at::equal(copy.snapshot().model[0].second, at::full({2, 3}, 3.0)));
}

}  // namespace
}  // namespace lockstep::checkpoint::host_copy_test
