#include "lockstep/data/pixel_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <numeric>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/data/disk_cache.h"
#include "lockstep/data/disk_index.h"
#include "lockstep/data/file_handle.h"
#include "lockstep/data/ram_cache.h"
#include "lockstep/media/image.h"
#include "tests/support/failing_locks.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::pixel_cache_test {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

/// A made-up sample whose pixels depend on a number.
struct MadeSample {
  media::Image image{100, 50, 3};
  media::Image mask{100, 50, 1};

  explicit MadeSample(int number) {
    std::iota(image.pixels.begin(), image.pixels.end(), static_cast<std::uint8_t>(number));
    std::iota(mask.pixels.begin(), mask.pixels.end(), static_cast<std::uint8_t>(number + 100));
  }

  KeptSample kept() const { return {{399, 200}, {0.25, 0, 99.75, 50}, view_of(image), view_of(mask), {}}; }
};

constexpr std::uint64_t kSampleBytes = 100 * 50 * 4;

bool is_sample(const KeptSample& kept, int number) {
  const MadeSample made(number);
  const KeptShape shape = kept.shape();
  return shape.picture == made.kept().picture && shape.box.x == 0.25 && shape.box.width == 99.75 &&
         shape.image == made.image.size() && shape.mask == made.mask.size() &&
         std::equal(made.image.pixels.begin(), made.image.pixels.end(), kept.image.pixels) &&
         std::equal(made.mask.pixels.begin(), made.mask.pixels.end(), kept.mask.pixels);
}

/// A folder of files that samples are said to come of, and a cache for these.
class DiskCacheTest : public testing::Test {
 protected:
  DiskCacheTest() {
    for (int i = 0; i < 5; ++i) {
      const std::string name = std::to_string(i);
      pairs_.push_back({name, folder_ / (name + ".jpg"), folder_ / (name + ".png")});
      write_file_atomically(pairs_.back().image, "image" + name);
      write_file_atomically(pairs_.back().mask, "mask" + name);
    }
  }

  std::filesystem::path cache_file(const std::string& ending) const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "cache")) {
      if (entry.path().extension() == ending) {
        return entry.path();
      }
    }
    return {};
  }

  /// One run: asks for all samples, and says how many had to be made.
  int run(const std::string& recipe = "recipe", std::uint64_t limit = 8 * kMiB) {
    DiskStorage storage(folder_ / "cache", limit);
    const auto cache = storage.open(pairs_, recipe);
    const int made = use(*cache);
    counts_ = cache->counts();
    EXPECT_LE(storage_bytes(), limit);
    return made;
  }

  int use(PixelCache& cache) {
    std::vector<std::size_t> all(pairs_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return use(cache, all);
  }

  int use(PixelCache& cache, const std::vector<std::size_t>& samples) {
    int made = 0;
    for (const std::size_t i : samples) {
      const MadeSample sample(static_cast<int>(i));
      const KeptSample kept = cache.get(i, [&] {
        ++made;
        return sample.kept();
      });
      EXPECT_TRUE(is_sample(kept, static_cast<int>(i))) << i;
    }
    return made;
  }

  std::uint64_t storage_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "cache")) {
      bytes += entry.file_size();
    }
    return bytes;
  }

  test::TempFolder folder_;
  std::vector<ImageMaskPair> pairs_;
  CacheCounts counts_;
};

TEST(RamCache, KeepsWhatFitsAndNoMore) {
  RamStorage storage(3 * kSampleBytes, [] { return ~std::uint64_t{0}; });
  const std::vector<ImageMaskPair> pairs(5);
  const auto cache = storage.open(pairs, "");
  int made = 0;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) {
      const MadeSample sample(i);
      EXPECT_TRUE(is_sample(cache->get(static_cast<std::size_t>(i), [&] { return ++made, sample.kept(); }), i));
    }
  }
  EXPECT_EQ(made, 5 + 3);  // two are kept: each takes some bytes more than its pixels
  EXPECT_EQ(cache->counts().kept, 2U);
  EXPECT_LE(storage.used(), 3 * kSampleBytes);
  EXPECT_THAT(summarise_cache(cache->counts(), storage), testing::StartsWith("cache: 2 of 5 samples fit ("));
}

TEST(RamCache, StopsBeforeTheMachineSwaps) {
  std::uint64_t available = 1024 * kMiB;
  RamStorage storage(512 * kMiB, [&] { return available; });
  EXPECT_NE(storage.take(65 * kMiB), nullptr);
  available = 100 * kMiB;
  EXPECT_EQ(storage.take(65 * kMiB), nullptr);
}

TEST(RamCache, FailsAsItsMakerAndGoesOn) {
  RamStorage storage(kMiB, [] { return ~std::uint64_t{0}; });
  const std::vector<ImageMaskPair> pairs(1);
  const auto cache = storage.open(pairs, "");
  EXPECT_THROW(cache->get(0, []() -> KeptSample { throw std::runtime_error("torn"); }), std::runtime_error);
  EXPECT_TRUE(cache->has_seen_all());
  const MadeSample sample(1);
  EXPECT_TRUE(is_sample(cache->get(0, [&] { return sample.kept(); }), 1));
  EXPECT_EQ(cache->counts().seen, 1U);
  EXPECT_EQ(cache->counts().kept, 1U);
}

TEST_F(DiskCacheTest, ALaterRunFindsWhatWasKept) {
  EXPECT_EQ(run(), 5);
  EXPECT_EQ(counts_.found, 0U);
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(counts_.found, 5U);
  EXPECT_EQ(counts_.kept, 5U);
}

TEST_F(DiskCacheTest, WhatWasMadeOfAnotherFileIsMadeAnew) {
  run();
  write_file_atomically(pairs_[1].image, std::string("another image"));
  std::filesystem::last_write_time(pairs_[3].mask,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(counts_.outdated, 2U);
  EXPECT_EQ(run(), 0);
}

TEST_F(DiskCacheTest, WhatIsDamagedIsMadeAnew) {
  run();
  const std::filesystem::path pixels = cache_file(".pixels");
  std::string content = read_text(pixels);
  content[kSampleBytes + 500] ^= 1;
  write_file_atomically(pixels, content);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(counts_.outdated, 1U);
  EXPECT_EQ(run(), 0);
}

TEST_F(DiskCacheTest, FilesOfAnyLengthAreTornFiles) {
  run();
  const std::string index = read_text(cache_file(".index"));
  const std::string pixels = read_text(cache_file(".pixels"));
  for (const double part : {0.0, 0.02, 0.1, 0.35, 0.5, 0.77, 0.99}) {
    const auto cut = [&](const std::string& all) {
      return all.substr(0, static_cast<std::size_t>(part * static_cast<double>(all.size())));
    };
    write_file_atomically(cache_file(".index"), cut(index));
    run();
    EXPECT_EQ(run(), 0);
    write_file_atomically(cache_file(".index"), index);
    write_file_atomically(cache_file(".pixels"), cut(pixels));
    EXPECT_GT(run(), 0);
    EXPECT_EQ(run(), 0);
    write_file_atomically(cache_file(".index"), index);
    write_file_atomically(cache_file(".pixels"), pixels);
  }
}

TEST_F(DiskCacheTest, AnotherRecipeHasACacheOfItsOwn) {
  run("one");
  EXPECT_EQ(run("another"), 5);
  EXPECT_EQ(run("one"), 0);
}

TEST_F(DiskCacheTest, KeepsToItsLimit) {
  const std::uint64_t limit = 64 * 1024 + 3 * kSampleBytes;  // what is on its way counts, too
  EXPECT_EQ(run("recipe", limit), 5);
  EXPECT_GE(counts_.kept, 1U);
  EXPECT_LT(counts_.kept, 5U);
}

TEST_F(DiskCacheTest, TheOldestOtherCacheMakesRoom) {
  const std::uint64_t limit = 64 * 1024 + 12 * kSampleBytes;
  run("oldest", limit);
  run("older", limit);
  EXPECT_EQ(run("new", limit), 5);
  EXPECT_EQ(counts_.kept, 5U);
  EXPECT_EQ(run("older", limit), 0);
  EXPECT_EQ(run("oldest", limit), 5);
}

TEST_F(DiskCacheTest, ASmallerLimitHoldsForWhatIsThere) {
  run("recipe", 8 * kMiB);
  run("recipe", 64 * 1024 + 2 * kSampleBytes);
  EXPECT_LT(counts_.kept, 5U);
}

TEST_F(DiskCacheTest, TwoRunsKeepTheirSharesForEachOther) {
  {
    DiskStorage first(folder_ / "cache", 8 * kMiB);
    DiskStorage second(folder_ / "cache", 8 * kMiB);
    const auto one = first.open(pairs_, "recipe");
    const auto other = second.open(pairs_, "recipe");
    EXPECT_EQ(use(*one, {0, 2}), 2);
    EXPECT_EQ(use(*other, {1, 3}), 2);
    EXPECT_EQ(use(*one, {4}), 1);
    EXPECT_EQ(use(*one), 0);
    EXPECT_EQ(use(*other), 0);
    EXPECT_EQ(one->counts().found, 2U);
    EXPECT_EQ(other->counts().found, 3U);
  }
  EXPECT_EQ(run(), 0);
}

/// Asks for every other sample, from `first` on, in a process of its own, and ends with how many it had to make.
pid_t start_process(std::span<const ImageMaskPair> pairs, const std::filesystem::path& folder, std::size_t first) {
  const pid_t child = ::fork();
  if (child != 0) {
    return child;
  }
  DiskStorage storage(folder, 64 * kMiB);
  const auto cache = storage.open(pairs, "recipe");
  int made = 0;
  for (std::size_t i = first; i < pairs.size(); i += 2) {
    const MadeSample sample(static_cast<int>(i));
    cache->get(i, [&] { return ++made, sample.kept(); });
  }
  ::_exit(made);
}

TEST_F(DiskCacheTest, ProcessesThatWriteAtOnceLoseNothing) {
  for (int i = 5; i < 100; ++i) {
    pairs_.push_back({std::to_string(i), folder_ / (std::to_string(i) + ".jpg"), {}});
  }
  const pid_t children[] = {start_process(pairs_, folder_ / "cache", 0), start_process(pairs_, folder_ / "cache", 1)};
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 50);
  }
  EXPECT_EQ(run("recipe", 64 * kMiB), 0);
}

TEST_F(DiskCacheTest, WhatARunUsesIsNotTakenAway) {
  run();
  DiskStorage storage(folder_ / "cache", 8 * kMiB);
  const auto in_use = storage.open(pairs_, "recipe");
  DiskStorage another(folder_ / "cache", 64 * 1024 + 6 * kSampleBytes);
  const auto in_need = another.open(pairs_, "another recipe");
  EXPECT_EQ(use(*in_need), 5);
  EXPECT_LT(in_need->counts().kept, 5U);
  EXPECT_EQ(use(*in_use), 0);
}

TEST_F(DiskCacheTest, LessRoomThanBeforeTakesNothingAway) {
  run("recipe");
  run("other recipe");
  const std::uint64_t room = 64 * 1024 + 2 * kSampleBytes;
  DiskStorage storage(folder_ / "cache", room, 8 * kMiB);
  const auto cache = storage.open(pairs_, "recipe");
  const auto other = storage.open(pairs_, "other recipe");
  EXPECT_EQ(use(*cache), 0);
  EXPECT_EQ(use(*other), 0);
  write_file_atomically(pairs_[1].image, std::string("another image"));
  const auto again = storage.open(pairs_, "recipe");
  EXPECT_EQ(use(*again), 1);
  EXPECT_EQ(again->counts().kept, 4U);  // there is no room for another one
}

TEST_F(DiskCacheTest, APathMayBeRelativeOrAbsolute) {
  const std::vector<ImageMaskPair> absolute = pairs_;
  for (ImageMaskPair& pair : pairs_) {
    pair.image = std::filesystem::relative(pair.image);
    pair.mask = std::filesystem::relative(pair.mask);
    ASSERT_TRUE(pair.image.is_relative());
  }
  EXPECT_EQ(run(), 5);
  pairs_ = absolute;
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(counts_.outdated, 0U);
}

TEST_F(DiskCacheTest, AFileSystemWithoutLocksIsNamed) {
  const test::FailingLocks failing(ENOLCK);
  try {
    DiskStorage storage(folder_ / "cache", 8 * kMiB);
    ADD_FAILURE() << "it went on without locks";
  } catch (const MachineError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("cannot lock files in the folder of the cache"));
    EXPECT_THAT(error.what(), testing::HasSubstr("No locks available"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--cache-dir"));
  }
}

TEST_F(DiskCacheTest, GoesOnWhereLocksFailInTheMidstOfARun) {
  DiskStorage storage(folder_ / "cache", 8 * kMiB);
  const auto cache = storage.open(pairs_, "recipe");
  EXPECT_EQ(use(*cache, {0}), 1);
  const test::FailingLocks failing(ENOLCK);
  EXPECT_EQ(use(*cache), 4);
  EXPECT_EQ(cache->counts().kept, 1U);
}

TEST(FileHandle, TellsALockThatIsTakenFromOneThatFails) {
  const test::TempFolder folder;
  const FileHandle one(folder / "lock", O_RDWR | O_CREAT);
  const FileHandle other(folder / "lock", O_RDWR);
  EXPECT_EQ(one.try_lock(LockKind::kAlone), LockOutcome::kLocked);
  EXPECT_EQ(other.try_lock(LockKind::kShared), LockOutcome::kTaken);
  EXPECT_EQ(one.try_lock(LockKind::kShared), LockOutcome::kLocked);
  EXPECT_EQ(other.try_lock(LockKind::kShared), LockOutcome::kLocked);
  EXPECT_EQ(other.try_lock(LockKind::kAlone), LockOutcome::kTaken);
  const test::FailingLocks failing(ENOSYS);
  EXPECT_EQ(other.try_lock(LockKind::kShared), LockOutcome::kFailed);
  EXPECT_FALSE(other.wait_for_lock());
}

TEST_F(DiskCacheTest, ARunMayBeKilledAtAnyMoment) {
  for (int round = 0; round < 12; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      DiskStorage storage(folder_ / "cache", 64 * kMiB);
      for (int time = 0; time < 10000; ++time) {
        // Each time as if a file had changed.
        std::filesystem::last_write_time(pairs_[0].image, std::filesystem::file_time_type::clock::now());
        const auto cache = storage.open(pairs_, "recipe" + std::to_string(time % 3));
        use(*cache);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(3000 + 2000 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    run("recipe0", 64 * kMiB);  // checks the pixels
    EXPECT_EQ(run("recipe0", 64 * kMiB), 0);
  }
}

TEST(DiskIndex, ReadsRecordsUpToTheFirstDamagedOne) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 3; ++i) {
    IndexRecord record{
        "image" + std::to_string(i), "mask", {1, 2, 3, i}, {{4, 5}, {0, 0.5, 4, 5}, {6, 7}, {8, 9}, {0, 0}}, 77, 88};
    const std::vector<std::byte> block = encode_index_record(record);
    bytes.insert(bytes.end(), block.begin(), block.end());
  }
  const std::size_t length = bytes.size() / 3;
  std::vector<IndexRecord> records;
  const auto keep = [&](IndexRecord&& record) { records.push_back(std::move(record)); };
  EXPECT_EQ(read_index_records(bytes, keep), bytes.size());
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[2].image, "image2");
  EXPECT_EQ(records[2].stamp.mask_time, 2);
  EXPECT_EQ(records[2].shape.mask, (media::ImageSize{8, 9}));
  EXPECT_EQ(records[2].shape.box.y, 0.5);
  EXPECT_EQ(records[2].offset, 77U);
  EXPECT_EQ(records[2].checksum, 88U);
  bytes[length + 20] ^= std::byte{1};
  EXPECT_EQ(read_index_records(bytes, keep), length);
}

TEST(DiskIndex, ItsChecksumIsThatOfZlib) {
  EXPECT_EQ(crc32_of(std::as_bytes(std::span("123456789", 9))), 0xcbf43926U);  // the check value of CRC-32
}

}  // namespace
}  // namespace lockstep::data::pixel_cache_test
