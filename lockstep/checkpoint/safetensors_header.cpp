#include "lockstep/checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr const char* kMetadata = "__metadata__";
constexpr std::size_t kMostDimensions = 64;  // what LibTorch can hold

constexpr std::array<std::pair<const char*, at::ScalarType>, 8> kTypes = {{{"F64", at::kDouble},
                                                                           {"F32", at::kFloat},
                                                                           {"F16", at::kHalf},
                                                                           {"BF16", at::kBFloat16},
                                                                           {"I64", at::kLong},
                                                                           {"I32", at::kInt},
                                                                           {"U8", at::kByte},
                                                                           {"BOOL", at::kBool}}};

/// Reads the entries of one header; every complaint names the file and the tensor.
class Parser {
 public:
  Parser(std::uint64_t data_bytes, const std::filesystem::path& path) : data_bytes_(data_bytes), path_(path) {}

  SafetensorsHeader parse(std::string_view content) const {
    const nlohmann::json root = parse_json(content);
    if (!root.is_object()) {
      throw broken_safetensors(path_, "its header is not a JSON object");
    }
    SafetensorsHeader header;
    for (const auto& [name, value] : root.items()) {
      if (name == kMetadata) {
        header.metadata = parse_metadata(value);
      } else {
        header.entries.push_back(parse_entry(name, value));
      }
    }
    sort_without_gaps(header.entries);
    return header;
  }

 private:
  nlohmann::json parse_json(std::string_view content) const {
    std::set<std::string> names;
    // The parser would keep the last of two equal names, and follow any depth.
    const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
      constexpr int kDeepest = 3;
      if (depth > kDeepest) {
        throw broken_safetensors(path_, "its header is nested too deep");
      }
      if (event == nlohmann::json::parse_event_t::key && depth == 1 && !names.insert(value.get<std::string>()).second) {
        throw broken_safetensors(path_, text("it holds '", value.get<std::string>(), "' twice"));
      }
      return true;
    };
    try {
      return nlohmann::json::parse(content, check);
    } catch (const nlohmann::json::exception&) {
      throw broken_safetensors(path_, "its header is not JSON");
    }
  }

  std::map<std::string, std::string> parse_metadata(const nlohmann::json& value) const {
    if (!value.is_object() ||
        !std::all_of(value.begin(), value.end(), [](const nlohmann::json& v) { return v.is_string(); })) {
      throw broken_safetensors(path_, "its metadata is not a table of strings");
    }
    return value.get<std::map<std::string, std::string>>();
  }

  SafetensorsEntry parse_entry(const std::string& name, const nlohmann::json& value) const {
    const auto is_numbers = [&](const char* key) {
      return value.contains(key) && value[key].is_array() &&
             std::all_of(value[key].begin(), value[key].end(),
                         [](const nlohmann::json& v) { return v.is_number_unsigned(); });
    };
    if (!value.is_object() || !value.contains("dtype") || !value["dtype"].is_string() || !is_numbers("shape") ||
        !is_numbers("data_offsets") || value["data_offsets"].size() != 2) {
      throw broken(name, "lacks a type, shape or place");
    }
    SafetensorsEntry entry;
    entry.name = name;
    entry.dtype = parse_type(name, value["dtype"].get<std::string>());
    entry.begin = value["data_offsets"][0].get<std::uint64_t>();
    entry.end = value["data_offsets"][1].get<std::uint64_t>();
    if (entry.begin > entry.end || entry.end > data_bytes_) {
      throw broken(name, "lies outside the file");
    }
    entry.shape = parse_shape(name, value["shape"]);
    const auto elements = static_cast<std::uint64_t>(c10::multiply_integers(entry.shape));
    if (elements * at::elementSize(entry.dtype) != entry.end - entry.begin) {
      throw broken(name, "has another size than its shape says");
    }
    return entry;
  }

  at::ScalarType parse_type(const std::string& name, const std::string& type_name) const {
    for (const auto& [known, dtype] : kTypes) {
      if (type_name == known) {
        return dtype;
      }
    }
    throw broken(name, text("is of type '", type_name, "', which Lockstep does not read"));
  }

  /// The shape, whose bytes are sure to be countable in 63 bits, even where a length of 0 hides absurd others.
  std::vector<std::int64_t> parse_shape(const std::string& name, const nlohmann::json& lengths) const {
    constexpr std::uint64_t kMostElements = std::numeric_limits<std::int64_t>::max() / sizeof(double);
    std::vector<std::int64_t> shape;
    std::uint64_t elements = 1;
    for (const nlohmann::json& item : lengths) {
      const auto length = item.get<std::uint64_t>();
      const std::uint64_t factor = std::max<std::uint64_t>(length, 1);
      if (shape.size() == kMostDimensions || factor > kMostElements / elements) {
        throw broken(name, "has an absurd shape");
      }
      elements *= factor;
      shape.push_back(static_cast<std::int64_t>(length));
    }
    return shape;
  }

  void sort_without_gaps(std::vector<SafetensorsEntry>& entries) const {
    std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t end = 0;
    for (const SafetensorsEntry& entry : entries) {
      if (entry.begin != end) {
        throw broken(entry.name, "overlaps another or follows a gap");
      }
      end = entry.end;
    }
    if (end != data_bytes_) {
      throw broken_safetensors(path_, "its end belongs to no tensor");
    }
  }

  DataError broken(const std::string& name, const std::string& problem) const {
    return broken_safetensors(path_, text("tensor '", name, "' ", problem));
  }

  std::uint64_t data_bytes_;
  const std::filesystem::path& path_;
};

}  // namespace

const char* safetensors_type(at::ScalarType dtype) {
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.second == dtype; });
  LOCKSTEP_ASSERT(type != kTypes.end(), text("no safetensors type for ", dtype));
  return type->first;
}

std::string to_json(const SafetensorsHeader& header) {
  nlohmann::json root = nlohmann::json::object();
  if (!header.metadata.empty()) {
    root[kMetadata] = header.metadata;
  }
  for (const SafetensorsEntry& entry : header.entries) {
    LOCKSTEP_ASSERT(!root.contains(entry.name), text("tensor '", entry.name, "' is written twice"));
    root[entry.name] = {
        {"dtype", safetensors_type(entry.dtype)}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  return root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

SafetensorsHeader parse_safetensors_header(std::string_view content, std::uint64_t data_bytes,
                                           const std::filesystem::path& path) {
  return Parser(data_bytes, path).parse(content);
}

DataError broken_safetensors(const std::filesystem::path& path, const std::string& problem) {
  return DataError(text("'", path.string(), "' is not a whole safetensors file: ", problem),
                   "copy or download it again, or name another file");
}

}  // namespace lockstep::checkpoint
