#include "lockstep/media/zip_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "tests/support/stored_zip.h"
#include "tests/support/temp_folder.h"

namespace lockstep::media::zip_reader_test {
namespace {

using testing::HasSubstr;

std::string content_of(const ZipReader& zip, const std::string& entry) {
  std::string content(zip.size_of(entry).value(), '\0');
  zip.read(entry, std::as_writable_bytes(std::span(content)));
  return content;
}

template <typename Action>
std::string refusal_of(const Action& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

class StoredArchive : public testing::Test {
 protected:
  StoredArchive() { test::write_zip(path(), {{"a/one", "the first"}, {"a/two", "the second"}, {"a/none", ""}}); }

  std::filesystem::path path() const { return folder_ / "some.zip"; }

  std::string bytes() const { return read_text(path()); }

  /// What is said of the file with other bytes in it, when its first entry is read.
  std::string refusal_with(const std::string& changed) const {
    return refusal_of([&] { content_of(ZipReader(std::as_bytes(std::span(changed)), "some.zip"), "a/one"); });
  }

 private:
  test::TempFolder folder_;
};

TEST_F(StoredArchive, GivesWhatItHoldsFromTheDiskAndFromMemory) {
  const std::string whole = bytes();
  const ZipReader from_disk(path());
  const ZipReader from_memory(std::as_bytes(std::span(whole)), "some.zip");
  for (const ZipReader* zip : {&from_disk, &from_memory}) {
    EXPECT_EQ(zip->entries().size(), 3U);
    EXPECT_EQ(content_of(*zip, "a/one"), "the first");
    EXPECT_EQ(content_of(*zip, "a/two"), "the second");
    EXPECT_EQ(content_of(*zip, "a/none"), "");
    EXPECT_EQ(zip->size_of("a/three"), std::nullopt);
  }
}

TEST_F(StoredArchive, ChangedBytesAreNoticed) {
  std::string changed = bytes();
  changed[changed.find("the first")] ^= 1;
  EXPECT_THAT(refusal_with(changed), HasSubstr("'a/one' is damaged"));
}

TEST_F(StoredArchive, CutAnywhereIsADataError) {
  const std::string whole = bytes();
  EXPECT_EQ(refusal_with(whole), "");
  for (std::size_t length = 0; length < whole.size(); length += 3) {
    EXPECT_THAT(refusal_with(whole.substr(0, length)), HasSubstr("'some.zip'")) << length;
  }
}

TEST_F(StoredArchive, LengthsBeyondTheArchiveAreADataError) {
  std::string changed = bytes();
  const std::size_t directory = changed.find("PK\x01\x02");
  for (const std::size_t place : {20U, 24U}) {  // the sizes in the directory
    changed.replace(directory + place, 4, "\xf0\xff\xff\x7f");
  }
  EXPECT_THAT(refusal_with(changed), HasSubstr("'some.zip'"));
}

TEST_F(StoredArchive, ASizeThatIsOnlyClaimedTakesNoMemory) {
  std::string changed = bytes();
  changed.replace(changed.find("PK\x01\x02") + 24, 4, "\xf0\xff\xff\x7f");  // without the compression
  std::uint64_t told = 0;
  const std::string refusal = refusal_of([&] {
    const ZipReader zip(std::as_bytes(std::span(changed)), "some.zip");
    told = zip.size_of("a/one").value();
    content_of(zip, "a/one");
  });
  EXPECT_LE(told, changed.size());
  EXPECT_THAT(refusal, HasSubstr("'some.zip'"));
}

TEST_F(StoredArchive, EntriesThatLieOverEachOtherAreADataError) {
  // All three entries of the directory are said to be nearly the whole archive.
  std::string changed = bytes();
  const auto length = static_cast<char>(changed.size() / 2);
  for (std::size_t at = changed.find("PK\x01\x02"); at != std::string::npos; at = changed.find("PK\x01\x02", at + 1)) {
    changed[at + 20] = length;
    changed[at + 24] = length;
  }
  EXPECT_THAT(refusal_with(changed), HasSubstr("longer than itself"));
}

TEST_F(StoredArchive, CompressedEntriesAreRefused) {
  test::write_zip(path(), {{"a/one", std::string(100'000, 'x')}}, ZIP_CM_DEFLATE);
  EXPECT_THAT(refusal_of([&] { content_of(ZipReader(path()), "a/one"); }), HasSubstr("'a/one' is compressed"));
}

TEST(ZipReader, WhatIsNotThereOrNoArchiveIsADataError) {
  const test::TempFolder folder;
  EXPECT_THROW(ZipReader("/nowhere/file"), DataError);
  write_file_atomically(folder / "other", std::string_view("PK, but no archive"));
  EXPECT_THROW(ZipReader(folder / "other"), DataError);
  EXPECT_THROW(ZipReader({}, "empty"), DataError);
}

}  // namespace
}  // namespace lockstep::media::zip_reader_test
