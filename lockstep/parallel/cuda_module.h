#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "lockstep/base/clock.h"
#include "lockstep/parallel/gpu_team.h"

// CUDA's libraries take longer to load than the rest of the program, so they are loaded only where there is a driver
// for GPUs: LibTorch's, and with it the module `liblockstep_cuda.so`, which holds all of ours that names CUDA or NCCL
// (the folders with_cuda/).
namespace lockstep::parallel {

/// What the module offers; see with_cuda/nccl.h and with_cuda/finish_images.h.
struct CudaModule {
  std::unique_ptr<Enqueuer> (*make_nccl_enqueuer)(const std::vector<c10::Device>& devices);
  at::Tensor (*finish_images)(const at::Tensor& images, const at::Tensor& samples);  ///< null: built without nvcc
  c10::intrusive_ptr<c10d::Backend> (*make_nccl_backend)(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                         int size, c10::Device device, Seconds timeout);
  void (*empty_cache)();  ///< gives the driver what LibTorch's allocator keeps, on all GPUs that this process uses
};

/// Loads CUDA where there is a driver; further calls do nothing. Has to come before LibTorch is first asked about CUDA,
/// since it remembers the answer: gpu_count() sees to that.
void load_cuda();

/// The module, loaded now if need be, driver or not; null where it was not built, or cannot be loaded.
const CudaModule* find_cuda_module();

/// A function of the module by its C name, for rooms above this one, which know its type; null where there is no
/// module, or where it was built without nvcc.
void* find_in_cuda_module(const char* name);

/// The module, as find_cuda_module(). Throws MachineError where there is none.
const CudaModule& cuda_module();

}  // namespace lockstep::parallel
