#include "lockstep/checkpoint/manifest.h"

#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::checkpoint {

constexpr int kManifestVersion = 1;

void write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  nlohmann::json files = nlohmann::json::array();
  for (const FileSum& file : manifest.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"crc32", file.crc32}});
  }
  const nlohmann::json json = {{"version", kManifestVersion}, {"step", manifest.step}, {"files", files}};
  write_file_atomically(folder / kManifestFile, json.dump(2) + "\n");
}

std::optional<Manifest> read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kManifestFile;
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  const auto broken = [&](const std::string& problem) {
    return DataError(text("'", path.string(), "' is not a list of a snapshot's files: ", problem),
                     "take another snapshot, or start anew with --fresh");
  };
  try {
    const nlohmann::json json = nlohmann::json::parse(read_text(path));
    if (json.at("version").get<int>() != kManifestVersion) {
      throw broken(text("it has version ", json.at("version").get<int>()));
    }
    Manifest manifest{.step = json.at("step").get<std::int64_t>(), .files = {}};
    for (const nlohmann::json& file : json.at("files")) {
      manifest.files.push_back({.name = file.at("name").get<std::string>(),
                                .bytes = file.at("bytes").get<std::uint64_t>(),
                                .crc32 = file.at("crc32").get<std::uint32_t>()});
    }
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw broken(error.what());
  }
}

}  // namespace lockstep::checkpoint
