#include "lockstep/data/disk_index.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

namespace lockstep::data {
namespace {

constexpr char kMagic[8] = {'L', 'K', 'S', 'T', 'P', 'I', 'X', '1'};  // the last one is the version of the format

static_assert(sizeof(KeptShape) == 8 * sizeof(int) + 4 * sizeof(double), "padding would be written, too");

/// A block is its length, the CRC-32 of its content, and its content.
constexpr std::size_t kBlockHead = 2 * sizeof(std::uint32_t);

template <typename T>
void put(std::vector<std::byte>& bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

void put_text(std::vector<std::byte>& bytes, const std::string& value) {
  put(bytes, static_cast<std::uint32_t>(value.size()));
  const auto* begin = reinterpret_cast<const std::byte*>(value.data());
  bytes.insert(bytes.end(), begin, begin + value.size());
}

/// Takes values off the front of bytes; false where they are too few.
template <typename T>
bool get(std::span<const std::byte>& bytes, T& value) {
  if (bytes.size() < sizeof value) {
    return false;
  }
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return true;
}

bool get_text(std::span<const std::byte>& bytes, std::string& value) {
  std::uint32_t length = 0;
  if (!get(bytes, length) || bytes.size() < length) {
    return false;
  }
  value.assign(reinterpret_cast<const char*>(bytes.data()), length);
  bytes = bytes.subspan(length);
  return true;
}

std::vector<std::byte> as_block(std::span<const std::byte> content) {
  std::vector<std::byte> block;
  put(block, static_cast<std::uint32_t>(content.size()));
  put(block, crc32_of(content));
  block.insert(block.end(), content.begin(), content.end());
  return block;
}

/// The content of the block at the front of the bytes; nothing where it is torn or damaged.
std::optional<std::span<const std::byte>> content_of_block(std::span<const std::byte> bytes) {
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;
  if (!get(bytes, length) || !get(bytes, checksum) || bytes.size() < length ||
      crc32_of(bytes.first(length)) != checksum) {
    return std::nullopt;
  }
  return bytes.first(length);
}

bool decode_record(std::span<const std::byte> content, IndexRecord& record) {
  return get(content, record.offset) && get(content, record.checksum) && get(content, record.stamp) &&
         get(content, record.shape) && get_text(content, record.image) && get_text(content, record.mask);
}

}  // namespace

std::uint32_t crc32_of(std::span<const std::byte> bytes) { return libdeflate_crc32(0, bytes.data(), bytes.size()); }

std::vector<std::byte> encode_index_header(const std::string& recipe) {
  std::vector<std::byte> content;
  put(content, kMagic);
  put_text(content, recipe);
  return as_block(content);
}

std::optional<std::size_t> match_index_header(std::span<const std::byte> index, const std::string& recipe) {
  const std::vector<std::byte> header = encode_index_header(recipe);
  const bool matches = index.size() >= header.size() && std::ranges::equal(index.first(header.size()), header);
  return matches ? std::optional(header.size()) : std::nullopt;
}

std::vector<std::byte> encode_index_record(const IndexRecord& record) {
  std::vector<std::byte> content;
  put(content, record.offset);
  put(content, record.checksum);
  put(content, record.stamp);
  put(content, record.shape);
  put_text(content, record.image);
  put_text(content, record.mask);
  return as_block(content);
}

std::size_t read_index_records(std::span<const std::byte> bytes, const std::function<void(IndexRecord&&)>& use) {
  std::size_t done = 0;
  while (const auto content = content_of_block(bytes.subspan(done))) {
    IndexRecord record;
    if (!decode_record(*content, record)) {
      break;
    }
    use(std::move(record));
    done += kBlockHead + content->size();
  }
  return done;
}

}  // namespace lockstep::data
