#include "lockstep/checkpoint/whole_folder.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/checkpoint/snapshot.h"

namespace lockstep::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReplaced = ".replaced";

/// A file that a killed program was writing, or a snapshot of which it was.
bool is_half_written(const fs::directory_entry& entry) {
  const fs::path& path = entry.path();
  if (path.extension() != kPartialSuffix) {
    return false;
  }
  const std::string process = path.stem().extension();
  const bool has_process = process.size() > 1 && process.find_first_not_of("0123456789", 1) == std::string::npos;
  return entry.is_directory() ? step_of(path.stem()).has_value() : has_process;
}

}  // namespace

void rename_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw MachineError(text("cannot rename '", from.string(), "' to '", to.string(), "': ", std::strerror(errno)),
                       "choose a --checkpoint-dir that can be written");
  }
}

void remove_folder(const fs::path& folder) {
  std::error_code ignored;  // what cannot be removed takes room and does no other harm
  fs::remove_all(folder, ignored);
}

void remove_snapshot(const fs::path& snapshot) {
  fs::path aside = snapshot;
  aside += kPartialSuffix;
  remove_folder(aside);
  std::error_code error;
  fs::rename(snapshot, aside, error);
  remove_folder(error ? snapshot : aside);
}

void put_in_place_of(const fs::path& folder, const fs::path& whole) {
  if (::renameat2(AT_FDCWD, whole.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
    flush_directory(folder.parent_path());
    remove_folder(whole);  // it has the name of the other one, and what that held
    return;
  }
  fs::path replaced = folder;
  replaced += kReplaced;
  remove_folder(replaced);
  rename_folder(folder, replaced);  // killed after this one, take_back_replaced() does what it says
  rename_folder(whole, folder);
  flush_directory(folder.parent_path());
  remove_folder(replaced);
}

void link_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (!error) {
    return;
  }
  AtomicFile copy(to);
  read_in_pieces(from, [&](std::span<const std::byte> piece) { copy.put(piece); });
  copy.commit();
}

void take_back_replaced(const fs::path& folder) {
  std::error_code error;  // no folder: nothing to take back
  std::vector<fs::path> replaced;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == kReplaced && step_of(entry.path().stem())) {
      replaced.push_back(entry.path());
    }
  }
  for (const fs::path& path : replaced) {
    const fs::path original = path.parent_path() / path.stem();
    if (fs::exists(original)) {
      remove_folder(path);
    } else {
      rename_folder(path, original);
    }
  }
}

void remove_half_written(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;  // no folder: nothing to remove
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_half_written(entry)) {
      found.push_back(entry.path());
    }
  }
  std::ranges::for_each(found, remove_folder);
}

}  // namespace lockstep::checkpoint
