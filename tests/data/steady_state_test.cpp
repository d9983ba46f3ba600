// Nothing is allocated for a sample once the buffers have grown. This file replaces the allocator of the whole test
// program by one that counts.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "lockstep/data/disk_cache.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/data/ram_cache.h"
#include "tests/data/samples.h"

namespace {

thread_local std::size_t allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace lockstep::data {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// The allocations of 100 loads behind as many that grow the buffers.
std::size_t allocations_of_loads(const ImageMaskDataset& dataset) {
  std::vector<std::byte> image(dataset.layout()[0].bytes());
  std::vector<std::byte> mask(dataset.layout()[1].bytes());
  const SampleSlot slot{{image, mask}, nullptr};
  const auto load_all = [&] {
    for (std::uint64_t i = 0; i < 100; ++i) {
      dataset.load(draw_of(i, i % dataset.size()), slot);
    }
  };
  load_all();
  const std::size_t before = allocations;
  load_all();
  return allocations - before;
}

class SteadyState : public testing::Test {
 protected:
  const test::TempFolder folder_;
  const std::vector<ImageMaskPair> pairs_ = write_photographs(folder_, 4, {300, 200});
  const ImageMaskOptions options_{.image_size = 48, .augment = true};
};

TEST_F(SteadyState, FilesAreDecodedWithoutAllocating) {
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_)), 0U);
}

TEST_F(SteadyState, SamplesInRamAreCutWithoutAllocating) {
  RamStorage ram(16 * kMiB, [] { return ~std::uint64_t{0}; });
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &ram)), 0U);
}

TEST_F(SteadyState, SamplesOnDiskAreCutWithoutAllocating) {
  DiskStorage disk(folder_ / "cache", 16 * kMiB);
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &disk)), 0U);
}

TEST_F(SteadyState, SamplesWithoutRoomAreDecodedWithoutAllocating) {
  RamStorage ram(4096, [] { return ~std::uint64_t{0}; });
  EXPECT_EQ(allocations_of_loads(ImageMaskDataset(pairs_, options_, &ram)), 0U);
}

}  // namespace
}  // namespace lockstep::data
