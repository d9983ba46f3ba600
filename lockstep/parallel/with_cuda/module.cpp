#include <c10/cuda/CUDACachingAllocator.h>

#include "lockstep/parallel/cuda_module.h"
#include "lockstep/parallel/with_cuda/finish_images.h"
#include "lockstep/parallel/with_cuda/nccl.h"

/// Found by its name when the module is loaded.
extern "C" const lockstep::parallel::CudaModule* lockstep_cuda_module() {
  static constexpr lockstep::parallel::CudaModule module = {
      .make_nccl_enqueuer = &lockstep::parallel::make_nccl_enqueuer,
#ifdef LOCKSTEP_NVCC
      .finish_images = &lockstep::parallel::finish_images_on_gpu,
#else
      .finish_images = nullptr,
#endif
      .make_nccl_backend = &lockstep::parallel::make_nccl_backend,
      .empty_cache = [] { c10::cuda::CUDACachingAllocator::emptyCache(); }};
  return &module;
}
