#include "lockstep/checkpoint/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/temp_folder.h"

namespace lockstep::checkpoint::manifest_test {
namespace {

using test::TempFolder;
using testing::HasSubstr;

FileSum sum_in_pieces(std::string_view content, std::size_t piece) {
  FileSum sum{.name = "file"};
  for (; !content.empty(); content.remove_prefix(std::min(piece, content.size()))) {
    sum.add(std::as_bytes(std::span(content.substr(0, piece))));
  }
  return sum;
}

TEST(FileSum, IsTheCrc32OfGzipHoweverItIsCut) {
  constexpr std::string_view kCheck = "123456789";  // of the catalogue of CRCs: CRC-32/ISO-HDLC
  for (const std::size_t piece : {1U, 4U, 9U}) {
    const FileSum sum = sum_in_pieces(kCheck, piece);
    EXPECT_EQ(sum.crc32, 0xCBF43926U);
    EXPECT_EQ(sum.bytes, 9U);
  }
}

TEST(FileSum, AnEmptyPieceChangesNothing) {
  FileSum sum = sum_in_pieces("123456789", 9);
  sum.add({});
  EXPECT_EQ(sum.crc32, 0xCBF43926U);
}

TEST(FileSum, OfAFileIsThatOfItsBytes) {
  const TempFolder folder;
  const std::string content(3'000'001, 'x');  // more than is read at once
  write_file_atomically(folder / "file", content);
  EXPECT_EQ(sum_of(folder / "file"), sum_in_pieces(content, content.size()));
}

TEST(FileSum, OfAFileThatIsNotThereIsADataError) {
  const TempFolder folder;
  EXPECT_THROW(sum_of(folder / "file"), DataError);
  EXPECT_THROW(sum_of(folder.path()), DataError);
}

TEST(Manifest, GoesThroughItsFile) {
  const TempFolder folder;
  const Manifest written{.step = 1234,
                         .files = {{.name = "a", .bytes = 1ULL << 40, .crc32 = 0xFFFFFFFF}, {.name = "b"}}};
  write_manifest(folder.path(), written);
  const Manifest read = read_manifest(folder.path()).value();
  EXPECT_EQ(read.step, 1234);
  EXPECT_EQ(read.files, written.files);
}

TEST(Manifest, OfAnOldSnapshotIsNone) {
  const TempFolder folder;
  EXPECT_FALSE(read_manifest(folder.path()).has_value());
}

TEST(Manifest, ThatIsBrokenIsADataErrorThatNamesIt) {
  const TempFolder folder;
  for (const char* content : {"", "{", "[]", "{\"version\":2,\"step\":1,\"files\":[]}", "{\"version\":1,\"step\":1}",
                              "{\"version\":1,\"step\":1,\"files\":[{\"name\":7}]}"}) {
    write_file_atomically(folder / kManifestFile, std::string_view(content));
    try {
      read_manifest(folder.path());
      ADD_FAILURE() << "taken: " << content;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(kManifestFile));
    }
  }
}

}  // namespace
}  // namespace lockstep::checkpoint::manifest_test
