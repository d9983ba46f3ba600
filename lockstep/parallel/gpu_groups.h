#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// The groups of several ranks of this process, each with a GPU of its own, over NCCL. One thread enqueues the sum of a
/// buffer for all of them together, when all have it ready. Throws MachineError without the module of CUDA.
std::vector<std::unique_ptr<Group>> make_nccl_groups(const std::vector<c10::Device>& devices, Seconds timeout);

/// The groups of several ranks that share one GPU: they reduce in its memory, in rank order, the same bits every time.
std::vector<std::unique_ptr<Group>> make_shared_gpu_groups(const std::vector<c10::Device>& devices, Seconds timeout);

/// While it lives, the calling thread works on a rank's device, in a stream of its own. Nothing for the CPU.
class GpuOfRank {
 public:
  explicit GpuOfRank(c10::Device device);
  ~GpuOfRank();
  GpuOfRank(const GpuOfRank&) = delete;
  GpuOfRank& operator=(const GpuOfRank&) = delete;

 private:
  struct Guard;
  std::unique_ptr<Guard> guard_;
};

}  // namespace lockstep::parallel
