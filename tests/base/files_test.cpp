#include "lockstep/base/files.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "lockstep/base/error.h"
#include "tests/support/temp_folder.h"

namespace lockstep::files_test {
namespace {

using test::TempFolder;

std::span<const std::byte> bytes_of(std::string_view content) { return std::as_bytes(std::span(content)); }

TEST(AtomicFile, IsThereWithAllOfItsPiecesOnceItIsCommitted) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "before");
  AtomicFile file(folder / "file");
  file.put(bytes_of("some "));
  file.put({});
  file.put(bytes_of("words"));
  EXPECT_EQ(read_text(folder / "file"), "before");
  file.commit();
  EXPECT_EQ(read_text(folder / "file"), "some words");
}

TEST(AtomicFile, LeavesNothingBehindWhereItIsNotCommitted) {
  const TempFolder folder;
  { AtomicFile(folder / "file").put(bytes_of("some")); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(AtomicFile, ThatCannotTakeItsPlaceIsAnErrorAndLeavesNothingBehind) {
  const TempFolder folder;
  make_directories(folder / "file");
  EXPECT_THROW(write_file_atomically(folder / "file", "some"), MachineError);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "file"));
  std::filesystem::remove(folder / "file");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(AtomicFile(folder / "no folder/file"), MachineError);
}

TEST(InputFile, GivesWhatLiesAtAPlace) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "some words");
  const InputFile file(folder / "file");
  EXPECT_EQ(file.size(), 10U);
  std::array<char, 5> words{};
  const auto target = std::as_writable_bytes(std::span(words));
  EXPECT_EQ(file.read_at(5, target), 5U);
  EXPECT_EQ(std::string_view(words.data(), 5), "words");
  EXPECT_EQ(file.read_at(8, target), 2U);
  EXPECT_EQ(std::string_view(words.data(), 2), "ds");
  EXPECT_EQ(file.read_at(99, target), 0U);
  EXPECT_THROW(InputFile(folder / "none"), DataError);
  EXPECT_THROW(InputFile(folder.path()), DataError);
}

TEST(ReadInPieces, GivesAllBytesInTheirOrder) {
  const TempFolder folder;
  std::string content;
  for (int i = 0; i < 500'000; ++i) {
    content += std::to_string(i);
  }
  write_file_atomically(folder / "file", content);
  drop_from_memory(folder / "file");
  std::string read;
  int pieces = 0;
  read_in_pieces(folder / "file", [&](std::span<const std::byte> piece) {
    read.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    ++pieces;
  });
  EXPECT_TRUE(read == content);
  EXPECT_GT(pieces, 1);
}

TEST(FreeBytes, OfAFolderThatIsNotThereIsAnError) {
  const TempFolder folder;
  EXPECT_GT(free_bytes(folder.path()), 0U);
  EXPECT_THROW(free_bytes(folder / "nowhere"), MachineError);
}

}  // namespace
}  // namespace lockstep::files_test
