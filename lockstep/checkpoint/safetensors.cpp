#include "lockstep/checkpoint/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

// The format is little-endian, as is every machine that LibTorch's wheels run on.
using HeaderLength = std::uint64_t;

at::Tensor copy_tensor(const SafetensorsEntry& entry, std::span<const std::byte> data) {
  // Any byte may stand for a bool in a file; in memory only 0 and 1 may.
  const bool is_bool = entry.dtype == at::kBool;
  const at::Tensor tensor = at::empty(entry.shape, is_bool ? at::kByte : entry.dtype);
  if (entry.end > entry.begin) {
    std::memcpy(tensor.data_ptr(), data.data() + entry.begin, entry.end - entry.begin);
  }
  return is_bool ? tensor.to(at::kBool) : tensor;
}

}  // namespace

FileSum write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                          const std::map<std::string, std::string>& metadata) {
  NamedTensors ordered = tensors;
  // Wide elements first: then every tensor lies at a multiple of its element's size.
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  SafetensorsHeader header;
  header.metadata = metadata;
  std::uint64_t end = 0;
  for (const auto& [name, tensor] : ordered) {
    const std::uint64_t begin = end;
    end += tensor.nbytes();
    header.entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec(), begin, end});
  }
  std::string content = to_json(header);
  content.resize((content.size() + sizeof(double) - 1) / sizeof(double) * sizeof(double), ' ');

  AtomicFile file(path);
  FileSum sum{.name = path.filename()};
  const auto put = [&](const void* data, std::size_t size) {
    const std::span piece(static_cast<const std::byte*>(data), size);
    sum.add(piece);
    file.put(piece);
  };
  const HeaderLength header_length = content.size();
  put(&header_length, sizeof(header_length));
  put(content.data(), content.size());
  for (const auto& [name, tensor] : ordered) {
    const at::Tensor contiguous = tensor.detach().to(at::kCPU).contiguous();
    put(contiguous.data_ptr(), contiguous.nbytes());
  }
  file.commit();
  return sum;
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  HeaderLength header_length = 0;
  if (bytes.size() < sizeof(header_length)) {
    throw broken_safetensors(path, "it is too short");
  }
  std::memcpy(&header_length, bytes.data(), sizeof(header_length));
  if (header_length > bytes.size() - sizeof(header_length)) {
    throw broken_safetensors(path, "its header is longer than the file");
  }
  const auto data = std::span(bytes).subspan(sizeof(header_length) + header_length);
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()) + sizeof(header_length), header_length);
  SafetensorsHeader header = parse_safetensors_header(content, data.size(), path);
  SafetensorsFile file;
  file.metadata = std::move(header.metadata);
  for (const SafetensorsEntry& entry : header.entries) {
    file.tensors.emplace_back(entry.name, copy_tensor(entry, data));
  }
  return file;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    throw DataError(text("cannot read '", path.string(), "'"), "check the path and its permissions");
  }
  HeaderLength header_length = 0;
  if (!file.read(reinterpret_cast<char*>(&header_length), sizeof(header_length))) {
    throw broken_safetensors(path, "it is too short");
  }
  if (header_length > size - sizeof(header_length)) {
    throw broken_safetensors(path, "its header is longer than the file");
  }
  std::string content(header_length, '\0');
  if (!file.read(content.data(), static_cast<std::streamsize>(header_length))) {
    throw broken_safetensors(path, "it is too short");
  }
  return parse_safetensors_header(content, size - sizeof(header_length) - header_length, path);
}

}  // namespace lockstep::checkpoint
