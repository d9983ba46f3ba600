#include "lockstep/data/cache_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/data/available_memory.h"
#include "lockstep/data/byte_count.h"
#include "tests/support/logged_lines.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data::cache_options_test {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

TEST(ByteCount, IsReadWithItsUnit) {
  EXPECT_EQ(parse_byte_count("4096"), 4096U);
  EXPECT_EQ(parse_byte_count("512MiB"), 512 * kMiB);
  EXPECT_EQ(parse_byte_count("1.5 gib"), 1536 * kMiB);
  EXPECT_EQ(parse_byte_count("2KiB"), 2048U);
  for (const char* wrong : {"", "GiB", "8GB", "-1MiB", "8GiB more", "1e30", "9999999999TiB", "nan"}) {
    EXPECT_EQ(parse_byte_count(wrong), std::nullopt) << wrong;
  }
}

TEST(ByteCount, IsWrittenWithTwoDigits) {
  EXPECT_EQ(format_byte_count(900), "900 bytes");
  EXPECT_EQ(format_byte_count(412 * kMiB), "412 MiB");
  EXPECT_EQ(format_byte_count(8192 * kMiB), "8.0 GiB");
}

TEST(AvailableMemory, IsWhatTheTightestGroupLeaves) {
  const test::TempFolder root;
  for (const char* folder : {"proc/self", "sys/fs/cgroup/box/job"}) {
    make_directories(root / folder);
  }
  write_file_atomically(root / "proc/meminfo", std::string("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n"));
  EXPECT_EQ(available_memory(root.path()), 8000U * 1024);
  write_file_atomically(root / "proc/self/cgroup", std::string("0::/box/job\n"));
  write_file_atomically(root / "sys/fs/cgroup/box/job/memory.max", std::string("max\n"));
  write_file_atomically(root / "sys/fs/cgroup/box/job/memory.current", std::string("5000\n"));
  EXPECT_EQ(available_memory(root.path()), 8000U * 1024);
  write_file_atomically(root / "sys/fs/cgroup/box/memory.max", std::string("1000000\n"));
  write_file_atomically(root / "sys/fs/cgroup/box/memory.current", std::string("700000\n"));
  write_file_atomically(root / "sys/fs/cgroup/box/memory.stat", std::string("anon 5\ninactive_file 100000\n"));
  EXPECT_EQ(available_memory(root.path()), 400000U);
}

TEST(AvailableMemory, KnowsTheGroupsOfVersionOne) {
  const test::TempFolder root;
  make_directories(root / "proc/self");
  make_directories(root / "sys/fs/cgroup/memory/box");
  write_file_atomically(root / "proc/meminfo", std::string("MemAvailable: 8000 kB\n"));
  write_file_atomically(root / "proc/self/cgroup", std::string("3:cpu:/\n2:memory:/box\n"));
  write_file_atomically(root / "sys/fs/cgroup/memory/box/memory.limit_in_bytes", std::string("50000\n"));
  write_file_atomically(root / "sys/fs/cgroup/memory/box/memory.usage_in_bytes", std::string("20000\n"));
  EXPECT_EQ(available_memory(root.path()), 30000U);
}

TEST(CacheOptions, NamesTheFlagThatIsWrong) {
  const auto message = [](const CacheOptions& options) -> std::string {
    try {
      options.validate();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({.kind = "tape"}), testing::HasSubstr("--cache cannot be 'tape'"));
  EXPECT_THAT(message({.kind = "ram", .limit = "8GB"}), testing::HasSubstr("--cache-limit cannot be '8GB'"));
  EXPECT_THAT(message({.kind = "ram", .limit = "1"}), testing::HasSubstr("--cache-limit"));
  EXPECT_THAT(message({.kind = "off", .limit = "8GiB"}), testing::HasSubstr("--cache-limit has no effect"));
  EXPECT_THAT(message({.kind = "off", .limit = "", .directory = "/there"}),
              testing::HasSubstr("--cache-dir has no effect"));
  EXPECT_THAT(message({.kind = "ram", .limit = "", .directory = "/there"}),
              testing::HasSubstr("--cache-dir has no effect"));
  EXPECT_EQ(message({.kind = "ram", .limit = "8GiB"}), "");
  EXPECT_EQ(message({.kind = "disk", .limit = "8GiB", .directory = "/there"}), "");
}

TEST(CacheOptions, OffMeansNoStorage) { EXPECT_EQ(make_pixel_storage({}), nullptr); }

TEST(CacheOptions, WarnsOfALimitAboveWhatIsFree) {
  const test::LoggedLines lines;
  const auto storage = make_pixel_storage({.kind = "ram", .limit = "1000TiB"});
  EXPECT_THAT(lines.text(), testing::HasSubstr("--cache-limit 1000 TiB is more than is free in memory"));
}

TEST(CacheOptions, ProcessesShareTheMemory) {
  const auto alone = make_pixel_storage({.kind = "ram", .limit = "64MiB"});
  const auto one_of_four = make_pixel_storage({.kind = "ram", .limit = "64MiB", .directory = {}, .processes = 4});
  EXPECT_EQ(alone->describe(), "0 bytes of 64 MiB, RAM");
  EXPECT_EQ(one_of_four->describe(), "0 bytes of 16 MiB, RAM");
}

std::size_t caches_in(const std::filesystem::path& folder) {
  std::size_t caches = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    caches += entry.path().extension() == ".pixels" ? 1 : 0;
  }
  return caches;
}

TEST(CacheOptions, OnlyALimitThatWasAskedForTakesAwayWhatIsThere) {
  const test::TempFolder folder;
  const std::vector<ImageMaskPair> pairs;
  const auto use = [&](const std::string& limit, const std::string& recipe) {
    make_pixel_storage({.kind = "disk", .limit = limit, .directory = folder.path()})->open(pairs, recipe);
  };
  use("", "one");
  use("", "another");
  write_file_atomically(folder / "ballast", std::string());
  std::filesystem::resize_file(folder / "ballast", 30 * 1024 * kMiB);  // a hole: it takes no room on the disk
  use("", "one");
  EXPECT_EQ(caches_in(folder.path()), 2U);
  use("1GiB", "one");
  EXPECT_EQ(caches_in(folder.path()), 1U);
}

TEST(CacheOptions, NamesAFolderThatCannotBeMade) {
  const test::TempFolder folder;
  write_file_atomically(folder / "file", std::string("in the way"));
  EXPECT_THROW(make_pixel_storage({.kind = "disk", .limit = "", .directory = folder / "file/cache"}), MachineError);
}

}  // namespace
}  // namespace lockstep::data::cache_options_test
