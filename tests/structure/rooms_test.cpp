// Checks the structure that docs/architecture.md draws: which room includes which, and which know nothing of LibTorch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace lockstep::structure {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// First groups of all matches in a text.
std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern, std::regex::multiline);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex); match != std::sregex_iterator(); ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

bool is_free_of_torch(const std::string& path) {
  static const std::regex pattern(
      "lockstep/(base|media|data|metrics|observe|parallel/core|checkpoint/core|tune/core)/.*");
  return std::regex_match(path, pattern);
}

/// "base" for "lockstep/base/error.h"
std::string room_of(const std::string& path) {
  const std::size_t begin = std::string("lockstep/").size();
  return path.substr(begin, path.find('/', begin) - begin);
}

/// What is wrong with one include, or nothing.
std::string judge(const std::string& path, const std::string& included, const std::vector<std::string>& rooms) {
  const bool is_free = is_free_of_torch(path);
  if (std::regex_search(included, std::regex("^(torch|ATen|c10|caffe2)/"))) {
    return is_free ? "must be free of LibTorch" : "";
  }
  if (!included.starts_with("lockstep/")) {
    return "";
  }
  const auto own = std::ranges::find(rooms, room_of(path));
  if (own == rooms.end()) {
    return "is in no room";
  }
  if (std::find(rooms.begin(), own + 1, room_of(included)) == own + 1) {
    return "may use only the rooms before its own";
  }
  return is_free && !is_free_of_torch(included) ? "must be free of LibTorch" : "";
}

/// The includes below `root`/lockstep that go against the order of the lockstep_room(...) lines in CMakeLists.txt.
std::vector<std::string> violations(const std::filesystem::path& root) {
  const std::vector<std::string> rooms = matches(read_text(root / "CMakeLists.txt"), R"(^lockstep_room\((\w+))");
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "lockstep")) {
    const std::string path = std::filesystem::relative(entry.path(), root).generic_string();
    if (!entry.is_regular_file() || path == "lockstep/main.cpp") {
      continue;
    }
    for (const std::string& included : matches(read_text(entry.path()), R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])")) {
      const std::string problem = judge(path, included, rooms);
      if (!problem.empty()) {
        found.push_back(path + " includes " + included + ", but " + problem);
      }
    }
  }
  std::ranges::sort(found);
  return found;
}

TEST(Rooms, UseOnlyThoseBeforeThem) { EXPECT_THAT(violations(test::source_dir()), IsEmpty()); }

TEST(Rooms, EveryFolderIsARoom) {
  const std::vector<std::string> rooms =
      matches(read_text(test::source_dir() / "CMakeLists.txt"), R"(^lockstep_room\((\w+))");
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "lockstep")) {
    if (entry.is_directory()) {
      EXPECT_THAT(rooms, testing::Contains(entry.path().filename().string()));
    }
  }
}

TEST(Rooms, WhatGoesAgainstTheirOrderIsFound) {
  const test::TempFolder root;
  const auto plant = [&](const std::string& path, const std::string& content) {
    make_directories((root / path).parent_path());
    write_file_atomically(root / path, content);
  };
  plant("CMakeLists.txt", "lockstep_room(base)\nlockstep_room(parallel TORCH)\nlockstep_room(observe)\n");
  plant("lockstep/base/a.h", "#pragma once\n  #  include \"lockstep/observe/c.h\"\n");
  plant("lockstep/base/b.cpp", "#include <ATen/ATen.h>\n#include \"lockstep/base/a.h\"\n");
  plant("lockstep/observe/c.h", "#include \"lockstep/parallel/group.h\"\n#include \"lockstep/parallel/core/d.h\"\n");
  plant("lockstep/parallel/group.h", "#include <torch/torch.h>\n#include \"lockstep/base/a.h\"\n");
  EXPECT_THAT(violations(root.path()),
              ElementsAre("lockstep/base/a.h includes lockstep/observe/c.h, but may use only the rooms before its own",
                          "lockstep/base/b.cpp includes ATen/ATen.h, but must be free of LibTorch",
                          "lockstep/observe/c.h includes lockstep/parallel/group.h, but must be free of LibTorch"));
}

}  // namespace
}  // namespace lockstep::structure
