#include "lockstep/checkpoint/core/torch_archive.h"

#include <algorithm>
#include <array>
#include <map>

#include "lockstep/base/printable.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {
namespace {

constexpr std::string_view kPickleName = "data.pkl";
constexpr std::size_t kMostNesting = 2;  // {"model_ema": {"state_dict": {…}}}

// Averages first: where there are both, they are what the network is evaluated with.
constexpr std::array<std::string_view, 14> kTables = {
    "state_dict_ema", "model_ema", "ema_state_dict", "ema",    "ema_model",        "params_ema", "state_dict",
    "model",          "net",       "network",        "module", "model_state_dict", "weights",    "params"};

const PickleValue* find_entry(const PickleTable& table, std::string_view name) {
  const PickleValue* found = nullptr;
  for (const auto& [key, value] : table.entries) {
    if (const auto* word = key->as<std::string_view>(); word != nullptr && *word == name) {
      found = value;  // the last one, as Python would
    }
  }
  return found;
}

bool has_tensors(const PickleTable& table) {
  return std::ranges::any_of(table.entries,
                             [](const auto& entry) { return entry.second->template as<StoredTensor>() != nullptr; });
}

/// A table of tensors, and the names under which it lies.
struct FoundTable {
  const PickleTable* table = nullptr;
  std::string part;
};

FoundTable find_table(const PickleTable& table, std::size_t depth) {
  std::array<const PickleTable*, kTables.size()> inner{};
  for (const auto& [key, value] : table.entries) {
    const auto* name = key->as<std::string_view>();
    const auto known = name == nullptr ? kTables.end() : std::ranges::find(kTables, *name);
    if (known != kTables.end()) {
      inner[static_cast<std::size_t>(known - kTables.begin())] = value->as<PickleTable>();
    }
  }
  for (std::size_t i = 0; i < inner.size() && depth < kMostNesting; ++i) {
    if (FoundTable found = inner[i] == nullptr ? FoundTable{} : find_table(*inner[i], depth + 1);
        found.table != nullptr) {
      found.part = text(kTables[i], found.part.empty() ? "" : ".", found.part);
      return found;
    }
  }
  return {has_tensors(table) ? &table : nullptr, ""};
}

/// "; it has 'args', 'epoch'", for the message.
std::string names_in(const PickleTable* table) {
  constexpr std::size_t kMost = 8;
  std::string names;
  std::size_t count = 0;
  for (const auto& [key, value] : table == nullptr ? PickleTable{}.entries : table->entries) {
    if (const auto* name = key->as<std::string_view>(); name != nullptr && count++ < kMost) {
      names += text(names.empty() ? "; it has '" : ", '", printable(*name), "'");
    }
  }
  return names + (count > kMost ? ", …" : "");
}

/// The file's folder, with a '/' behind it.
std::string prefix_in(const media::ZipReader& zip, const std::string& source) {
  for (const auto& [name, size] : zip.entries()) {
    const std::size_t folder = name.find('/');
    if (folder == std::string::npos || name.substr(folder + 1) != kPickleName) {
      continue;
    }
    if (zip.size_of(name.substr(0, folder + 1) + "constants.pkl")) {
      throw DataError(text("'", source, "' is a program of TorchScript, not a file of weights"),
                      "in Python, save the weights alone: torch.save(torch.jit.load(FILE).state_dict(), OTHER_FILE)");
    }
    return name.substr(0, folder + 1);
  }
  throw broken_torch_file(source, text("no ", kPickleName));
}

std::vector<std::byte> read_entry(const media::ZipReader& zip, const std::string& name, std::size_t most,
                                  const std::string& source) {
  const std::uint64_t size = zip.size_of(name).value_or(0);
  if (size > most) {
    throw broken_torch_file(source, text("an entry '", printable(name), "' of ", size, " bytes"));
  }
  std::vector<std::byte> bytes(size);
  if (size > 0) {
    zip.read(name, bytes);
  }
  return bytes;
}

void check_byte_order(const media::ZipReader& zip, const std::string& prefix, const std::string& source) {
  constexpr std::size_t kLongest = 16;
  const auto order = read_entry(zip, prefix + "byteorder", kLongest, source);
  const std::string_view word(reinterpret_cast<const char*>(order.data()), order.size());
  if (!word.empty() && word != "little") {  // without that entry it is little, too
    throw DataError(text("'", source, "' has its numbers in the byte order of another kind of machine"),
                    "save it anew on a little-endian machine, such as this one");
  }
}

}  // namespace

TorchArchive::TorchArchive(const std::filesystem::path& path) : source_(path.string()), zip_(path) { find_weights(); }

TorchArchive::TorchArchive(std::span<const std::byte> bytes, const std::string& name)
    : source_(name), zip_(bytes, name) {
  find_weights();
}

void TorchArchive::find_weights() {
  prefix_ = prefix_in(zip_, source_);
  check_byte_order(zip_, prefix_, source_);
  pickle_bytes_ = read_entry(zip_, prefix_ + std::string(kPickleName), kMostPickleBytes, source_);
  pickle_.emplace(pickle_bytes_, source_);
  const auto* root = pickle_->root().as<PickleTable>();
  const FoundTable found = root == nullptr ? FoundTable{} : find_table(*root, 0);
  if (found.table == nullptr) {
    throw DataError(text("'", source_, "' holds no table of tensors by name", names_in(root)),
                    "in Python, save the weights: torch.save(model.state_dict(), FILE)");
  }
  part_ = found.part;
  collect_tensors(*found.table);
  check_numbers();
  const PickleValue* epoch = find_entry(*root, "epoch");
  if (const auto* number = epoch == nullptr ? nullptr : epoch->as<std::int64_t>()) {
    epoch_ = *number;
  }
}

void TorchArchive::collect_tensors(const PickleTable& table) {
  std::map<std::string_view, const StoredTensor*> by_name;  // the last one of a name, as Python would
  for (const auto& [key, value] : table.entries) {
    const auto* name = key->as<std::string_view>();
    if (const auto* tensor = value->as<StoredTensor>(); name != nullptr && tensor != nullptr) {
      by_name.insert_or_assign(*name, tensor);
    }
  }
  for (const auto& [name, tensor] : by_name) {
    tensors_.emplace_back(name, *tensor);
  }
}

void TorchArchive::check_numbers() const {
  std::map<std::string_view, StoredNumbers> by_key;
  for (const auto& [name, tensor] : tensors_) {
    const StoredNumbers& numbers = tensor.numbers;
    if (by_key.try_emplace(numbers.key, numbers).first->second != numbers) {
      throw broken_torch_file(source_, text("a storage that '", printable(name), "' sees in another way than others"));
    }
    const std::uint64_t bytes = zip_.size_of(entry_of(numbers)).value_or(0);
    const auto width = bytes_of(numbers.type);
    if (bytes % width != 0 || bytes / width != static_cast<std::uint64_t>(numbers.count)) {
      throw broken_torch_file(
          source_, text("not the ", numbers.count, " numbers of '", printable(name), "', but ", bytes, " bytes"));
    }
  }
}

std::string TorchArchive::entry_of(const StoredNumbers& numbers) const { return text(prefix_, "data/", numbers.key); }

void TorchArchive::read(const StoredNumbers& numbers, std::span<std::byte> into) const {
  if (!into.empty()) {
    zip_.read(entry_of(numbers), into);
  }
}

}  // namespace lockstep::checkpoint
