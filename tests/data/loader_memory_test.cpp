#include <gtest/gtest.h>

#include <thread>

#include "lockstep/base/probe.h"
#include "lockstep/data/loader.h"
#include "tests/support/allocations.h"

namespace lockstep::data::loader_memory_test {
namespace {

class ConstantDataset : public Dataset {
 public:
  std::size_t size() const override { return 10'000; }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t) const override { return "constant"; }

  void load(const Draw& draw, const SampleSlot& slot) const override {
    slot.field<std::int64_t>(0)[0] = static_cast<std::int64_t>(draw.index);
  }

 private:
  std::vector<Field> layout_{{"a name that is too long for a string without memory", DType::kInt64, {}},
                             {"noise", DType::kUInt8, {8, 8, 3}}};
};

TEST(LoaderMemory, NothingIsAllocatedForASampleOnceBatchesComeBack) {
  const ConstantDataset dataset;
  DecodePool pool(3);
  // Passes of seven and of eight samples.
  Loader loader(pool, dataset, BatchPlan{dataset.size(), 30, 8, 2}, {});
  const auto take = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      for (int rank = 0; rank < 2; ++rank) {
        loader.recycle(loader.next(rank));
      }
    }
  };
  // A thread of the pool that starts late takes memory for its name then.
  while (read_probes().size() < 3) {
    std::this_thread::yield();
  }
  take(20);
  const long before = test::allocations();
  EXPECT_GT(before, 0);  // they are counted
  take(70);              // more than 1,000 samples
  EXPECT_EQ(test::allocations() - before, 0);
}

}  // namespace
}  // namespace lockstep::data::loader_memory_test
