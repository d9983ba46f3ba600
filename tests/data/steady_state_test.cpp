// Nothing is allocated for a sample once the buffers have grown.

#include <gtest/gtest.h>

#include "lockstep/data/disk_cache.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/data/ram_cache.h"
#include "tests/data/samples.h"
#include "tests/support/allocations.h"

namespace lockstep::data::steady_state_test {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// The allocations of 100 loads behind as many that grow the buffers.
long allocations_of_loads(const ImageMaskDataset& dataset) {
  std::vector<std::byte> image(dataset.layout()[0].bytes());
  std::vector<std::byte> mask(dataset.layout()[1].bytes());
  std::vector<std::byte> finish(dataset.layout()[2].bytes());
  const SampleSlot slot{{image, mask, finish}, nullptr};
  const auto load_all = [&] {
    for (std::uint64_t i = 0; i < 100; ++i) {
      dataset.load(draw_of(i, i % dataset.size()), slot);
    }
  };
  load_all();
  const long before = test::allocations();
  load_all();
  return test::allocations() - before;
}

class SteadyState : public testing::Test {
 protected:
  const test::TempFolder folder_;
  const std::vector<ImageMaskPair> pairs_ = write_photographs(folder_, 4, {300, 200});
  const ImageMaskOptions options_{.image_size = 48, .augment = true};
};

TEST_F(SteadyState, FilesAreDecodedWithoutAllocating) {
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_)), 0);
}

TEST_F(SteadyState, SamplesInRamAreCutWithoutAllocating) {
  RamStorage ram(16 * kMiB, [] { return ~std::uint64_t{0}; });
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &ram)), 0);
}

TEST_F(SteadyState, SamplesOnDiskAreCutWithoutAllocating) {
  DiskStorage disk(folder_ / "cache", 16 * kMiB);
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &disk)), 0);
}

TEST_F(SteadyState, SamplesWithoutRoomAreDecodedWithoutAllocating) {
  RamStorage ram(4096, [] { return ~std::uint64_t{0}; });
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &ram)), 0);
}

}  // namespace
}  // namespace lockstep::data::steady_state_test
