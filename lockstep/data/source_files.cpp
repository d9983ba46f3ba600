#include "lockstep/data/source_files.h"

#include <sys/stat.h>

#include <tuple>
#include <utility>

namespace lockstep::data {
namespace {

/// Size and time of last change; zeros for no path, and for a file that is not there (reading it then says so).
std::pair<std::int64_t, std::int64_t> size_and_time(const std::filesystem::path& path) {
  struct stat status {};
  if (path.empty() || ::stat(path.c_str(), &status) != 0) {
    return {0, 0};
  }
  return {status.st_size, status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec};
}

}  // namespace

FileStamp stamp_of(const ImageMaskPair& pair) {
  FileStamp stamp;
  std::tie(stamp.image_bytes, stamp.image_time) = size_and_time(pair.image);
  std::tie(stamp.mask_bytes, stamp.mask_time) = size_and_time(pair.mask);
  return stamp;
}

std::string key_of(const std::filesystem::path& file) {
  return file.empty() ? "" : std::filesystem::absolute(file).lexically_normal().string();
}

}  // namespace lockstep::data
