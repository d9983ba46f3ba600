#include "lockstep/checkpoint/snapshot.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/checkpoint/manifest.h"

namespace lockstep::checkpoint {
namespace {

constexpr std::string_view kPrefix = "step-";

}  // namespace

std::string snapshot_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "%s%08lld", kPrefix.data(), static_cast<long long>(step));
  return name;
}

std::optional<std::int64_t> step_of(const std::filesystem::path& folder) {
  constexpr std::size_t kMostDigits = 18;
  const std::string name = folder.filename();
  const std::string_view digits = std::string_view(name).substr(std::min(kPrefix.size(), name.size()));
  const bool is_number = !digits.empty() && digits.size() <= kMostDigits &&
                         std::ranges::all_of(digits, [](unsigned char c) { return std::isdigit(c) != 0; });
  return name.starts_with(kPrefix) && is_number ? std::optional(std::stoll(std::string(digits))) : std::nullopt;
}

void write_snapshot(const std::filesystem::path& folder, const Snapshot& snapshot) {
  std::vector<FileSum> sums = {write_safetensors(folder / kModelFile, snapshot.model)};
  if (!snapshot.ema.empty()) {
    sums.push_back(write_safetensors(folder / kEmaFile, snapshot.ema));
  }
  sums.push_back(write_safetensors(folder / kOptimizerFile, snapshot.optimizer));
  write_state(folder, snapshot.state, std::move(sums));
}

void write_state(const std::filesystem::path& folder, const State& state, std::vector<FileSum> tensor_files) {
  const std::string content = to_json(state).dump(2) + "\n";
  write_file_atomically(folder / kStateFile, content);
  FileSum sum{.name = kStateFile};
  sum.add(std::as_bytes(std::span(content)));
  tensor_files.push_back(sum);
  write_manifest(folder, {.step = state.step, .files = std::move(tensor_files)});
}

State load_state(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kStateFile;
  const nlohmann::json json = nlohmann::json::parse(read_text(path), nullptr, /*allow_exceptions=*/false);
  return state_from_json(json, path.string());
}

Snapshot load_snapshot(const std::filesystem::path& folder) {
  Snapshot snapshot{load_state(folder),
                    read_safetensors(folder / kModelFile).tensors,
                    {},
                    read_safetensors(folder / kOptimizerFile).tensors};
  if (std::filesystem::exists(folder / kEmaFile)) {
    snapshot.ema = read_safetensors(folder / kEmaFile).tensors;
  }
  return snapshot;
}

}  // namespace lockstep::checkpoint
