#include "lockstep/checkpoint/file_sum.h"

#include <libdeflate.h>

#include "lockstep/base/files.h"

namespace lockstep::checkpoint {

void FileSum::add(std::span<const std::byte> piece) {
  if (piece.empty()) {
    return;  // libdeflate takes no data for the wish to begin anew
  }
  bytes += piece.size();
  crc32 = libdeflate_crc32(crc32, piece.data(), piece.size());
}

FileSum sum_of(const std::filesystem::path& file) {
  FileSum sum{.name = file.filename()};
  read_in_pieces(file, [&](std::span<const std::byte> piece) { sum.add(piece); });
  return sum;
}

}  // namespace lockstep::checkpoint
