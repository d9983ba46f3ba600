#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

namespace lockstep::parallel {

/// The device of each rank, from the words of `--devices`:
///   "auto"           every GPU; without one, the CPU
///   "cuda"           every GPU
///   "cuda:0,cuda:1"  these; one named twice carries two ranks
///   "cpu", "cpu:4"   one rank on the CPU, or four
/// Throws UsageError for other words, MachineError for a GPU that is not there.
std::vector<c10::Device> parse_devices(const std::string& words);

/// GPUs that LibTorch can use. Loads CUDA where there is a driver.
int gpu_count();

/// Processor cores that this process may use.
int available_cores();

/// "2 CPU ranks", "1 GPU (cuda:0)", for the start line.
std::string describe_devices(const std::vector<c10::Device>& devices);

}  // namespace lockstep::parallel
