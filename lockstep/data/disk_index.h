#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/kept_sample.h"
#include "lockstep/data/pixel_cache.h"

/// The index of a cache on disk: a header that names the recipe, and a record for each sample, only ever appended.
/// Header and records carry a CRC-32, so that what was not written to its end is seen. In the byte order of the
/// machine.
namespace lockstep::data {

/// Where the pixels of a sample are, and of which files they were made.
struct IndexRecord {
  std::string image;
  std::string mask;
  FileStamp stamp;
  KeptShape shape;
  std::uint64_t offset = 0;    ///< in the file of pixels
  std::uint32_t checksum = 0;  ///< CRC-32 of the pixels
};

/// The CRC-32 of ISO 3309, as zlib has it.
std::uint32_t crc32_of(std::span<const std::byte> bytes);

std::vector<std::byte> encode_index_header(const std::string& recipe);

/// The bytes of the header at the front of an index; nothing where it is damaged, of another version or recipe.
std::optional<std::size_t> match_index_header(std::span<const std::byte> index, const std::string& recipe);

std::vector<std::byte> encode_index_record(const IndexRecord& record);

/// Gives the whole, undamaged records at the front of these bytes, in their order, and says how many bytes they are.
std::size_t read_index_records(std::span<const std::byte> bytes, const std::function<void(IndexRecord&&)>& use);

}  // namespace lockstep::data
