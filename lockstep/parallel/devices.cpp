#include "lockstep/parallel/devices.h"

#include <sched.h>
#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/cuda_module.h"

namespace lockstep::parallel {
namespace {

constexpr int kMaxCpuRanks = 256;

UsageError not_understood(const std::string& words) {
  return UsageError(text("--devices '", words, "' is not understood"),
                    "give auto, cpu, cpu:4 (four ranks), cuda (all GPUs) or a list such as cuda:0,cuda:1");
}

int parse_number(const std::string& digits, const std::string& words) {
  int number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0) {
    throw not_understood(words);
  }
  return number;
}

c10::Device gpu(int index, const std::string& words) {
  if (index >= gpu_count()) {
    throw MachineError(text("--devices ", words, ": this machine shows ", gpu_count(), " GPUs"),
                       gpu_count() == 0 ? "train with --devices cpu, or check the driver with nvidia-smi"
                                        : "name one that is there, or use --devices cuda for all");
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::vector<c10::Device> all_gpus(const std::string& words) {
  std::vector<c10::Device> devices;
  for (int index = 0; index < std::max(1, gpu_count()); ++index) {
    devices.push_back(gpu(index, words));
  }
  return devices;
}

}  // namespace

int gpu_count() {
  load_cuda();
  return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
}

std::vector<c10::Device> parse_devices(const std::string& words) {
  const c10::Device cpu(c10::kCPU);
  if (words == "cpu") {
    return {cpu};
  }
  if (words == "cuda" || (words == "auto" && gpu_count() > 0)) {
    return all_gpus(words);
  }
  if (words == "auto") {
    return {cpu};
  }
  if (words.starts_with("cpu:")) {
    const int ranks = parse_number(words.substr(4), words);
    if (ranks < 1 || ranks > kMaxCpuRanks) {
      throw UsageError(text("--devices ", words, ": the number of CPU ranks must be 1 to ", kMaxCpuRanks),
                       "give for example cpu:2");
    }
    return std::vector<c10::Device>(static_cast<std::size_t>(ranks), cpu);
  }
  std::vector<c10::Device> devices;
  std::istringstream list(words);
  for (std::string word; std::getline(list, word, ',');) {
    if (!word.starts_with("cuda:")) {
      throw not_understood(words);
    }
    devices.push_back(gpu(parse_number(word.substr(5), words), words));
  }
  if (devices.empty()) {
    throw not_understood(words);
  }
  return devices;
}

int available_cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    return std::max(1, CPU_COUNT(&allowed));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string describe_devices(const std::vector<c10::Device>& devices) {
  const std::size_t count = devices.size();
  if (devices.front().is_cpu()) {
    return text(count, count == 1 ? " CPU rank" : " CPU ranks");
  }
  std::string names;
  for (const c10::Device& device : devices) {
    names += (names.empty() ? "" : ", ") + device.str();
  }
  return text(count, count == 1 ? " GPU (" : " GPUs (", names, ")");
}

}  // namespace lockstep::parallel
