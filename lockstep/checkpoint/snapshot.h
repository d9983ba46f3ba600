#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/checkpoint/file_sum.h"
#include "lockstep/checkpoint/safetensors.h"
#include "lockstep/checkpoint/state.h"

namespace lockstep::checkpoint {

/// A run at one moment between two steps.
struct Snapshot {
  State state;
  NamedTensors model;
  NamedTensors ema;  ///< the averaged weights; empty where the run keeps none
  NamedTensors optimizer;
};

/// The file in which a snapshot keeps the weights, and the run folder the best of them.
inline constexpr const char* kModelFile = "model.safetensors";
inline constexpr const char* kEmaFile = "ema.safetensors";  ///< only where there are averages
inline constexpr const char* kOptimizerFile = "optimizer.safetensors";
inline constexpr const char* kStateFile = "state.json";

/// "step-00001234".
std::string snapshot_name(std::int64_t step);

/// The step of a snapshot by the name of its folder; nothing where that is none of a snapshot.
std::optional<std::int64_t> step_of(const std::filesystem::path& folder);

/// Writes the files of a snapshot, and the manifest, into a folder that is there. Throws MachineError where the disk
/// does not take them.
void write_snapshot(const std::filesystem::path& folder, const Snapshot& snapshot);

/// Writes the state, and then the manifest, to files of tensors that are there.
void write_state(const std::filesystem::path& folder, const State& state, std::vector<FileSum> tensor_files);

/// Reads what is no tensor. Throws DataError that names the file.
State load_state(const std::filesystem::path& folder);

/// Reads a snapshot; throws DataError that names the file that is missing or broken. Sums are not looked at
/// (inspect()).
Snapshot load_snapshot(const std::filesystem::path& folder);

}  // namespace lockstep::checkpoint
