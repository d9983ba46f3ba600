#include "lockstep/media/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::zip_test {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view content) {
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

void write_archive(const test::TempFolder& folder, const std::filesystem::path& path) {
  write_file_atomically(folder / "member.txt", std::string(5000, 'x'));
  ZipWriter archive(path);
  archive.add_file("b/1003.tif", folder / "member.txt", ZipMethod::kStore);
  archive.add_file("a.tif", folder / "member.txt", ZipMethod::kDeflate);
  archive.add_bytes("words.txt", bytes_of("some words"), ZipMethod::kDeflate);
  archive.add_bytes("nothing", {}, ZipMethod::kStore);
  archive.commit();
}

TEST(ZipWriter, WritesWhatPythonReads) {
  const test::TempFolder folder;
  write_archive(folder, folder / "archive.zip");
  const test::ProcessResult read = test::run_python("tests/media/read_zip.py", {folder / "archive.zip"});
  if (read.exit_code != 0 && !test::python_has({"zipfile"})) {
    GTEST_SKIP() << "needs Python";
  }
  EXPECT_EQ(read.exit_code, 0) << read.errors;
  EXPECT_EQ(read.output,
            "b/1003.tif stored 5000 5000 1980-01-01\n"
            "a.tif deflated 5000 fewer 1980-01-01\n"
            "words.txt deflated 10 fewer 1980-01-01\n"
            "nothing stored 0 0 1980-01-01\n");
}

TEST(ZipWriter, GivesTheSameBytesAtAnyTimeAndPlace) {
  const test::TempFolder folder;
  write_archive(folder, folder / "one.zip");
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  std::filesystem::last_write_time(folder / "member.txt", std::filesystem::file_time_type::clock::now());
  write_archive(folder, folder / "other.zip");
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_EQ(read_file(folder / "one.zip"), read_file(folder / "other.zip"));
}

TEST(ZipWriter, LeavesTheOldArchiveAndNothingElseWhereItIsNotCommitted) {
  const test::TempFolder folder;
  write_archive(folder, folder / "archive.zip");
  const auto before = read_file(folder / "archive.zip");
  {
    ZipWriter archive(folder / "archive.zip");
    archive.add_bytes("words.txt", bytes_of("other words"), ZipMethod::kStore);
  }
  EXPECT_EQ(read_file(folder / "archive.zip"), before);
  {
    ZipWriter archive(folder / "archive.zip");
    archive.add_bytes("words.txt", bytes_of("other words"), ZipMethod::kStore);
    let_writes_fail();
    EXPECT_THROW(archive.commit(), MachineError);
    let_writes_fail(0);
  }
  EXPECT_EQ(read_file(folder / "archive.zip"), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(ZipWriter, NamesWhatCannotBeReadOrWritten) {
  const test::TempFolder folder;
  ZipWriter archive(folder / "archive.zip");
  try {
    archive.add_file("a.tif", folder / "none.tif", ZipMethod::kStore);
    FAIL() << "a missing file was added";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("none.tif': No such file"));
  }
  try {
    ZipWriter nowhere(folder / "no folder" / "archive.zip");
    nowhere.add_bytes("a", bytes_of("a"), ZipMethod::kStore);
    nowhere.commit();
    FAIL() << "an archive was written into a folder that is not there";
  } catch (const MachineError& error) {
    EXPECT_THAT(error.what(), HasSubstr("archive.zip"));
  }
}

}  // namespace
}  // namespace lockstep::media::zip_test
