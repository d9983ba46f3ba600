#include "lockstep/parallel/cuda_module.h"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {
namespace {

struct Loaded {
  const CudaModule* module = nullptr;
  void* library = nullptr;
  std::string problem;  ///< why there is none
};

Loaded load_module() {
  void* library = ::dlopen("liblockstep_cuda.so", RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    return {nullptr, nullptr, ::dlerror()};
  }
  using Entry = const CudaModule* (*)();
  const auto entry = reinterpret_cast<Entry>(::dlsym(library, "lockstep_cuda_module"));
  LOCKSTEP_ASSERT(entry != nullptr, "liblockstep_cuda.so is not Lockstep's module");
  return {entry(), library, {}};
}

const Loaded& loaded_module() {
  static const Loaded loaded = load_module();
  return loaded;
}

}  // namespace

void load_cuda() {
  static std::once_flag once;
  std::call_once(once, [] {
    const bool has_driver = ::dlopen("libcuda.so.1", RTLD_LAZY) != nullptr;
    // Without the module one GPU needs no more than LibTorch.
    if (has_driver && loaded_module().module == nullptr &&
        ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      log::warn(text("there is a driver for GPUs, but CUDA cannot be loaded: ", ::dlerror()));
    }
  });
}

const CudaModule* find_cuda_module() { return loaded_module().module; }

void* find_in_cuda_module(const char* name) {
  void* library = loaded_module().library;
  return library == nullptr ? nullptr : ::dlsym(library, name);
}

const CudaModule& cuda_module() {
  const Loaded& loaded = loaded_module();
  if (loaded.module == nullptr) {
    throw MachineError(
        text("the module of CUDA cannot be loaded (", loaded.problem, ")"),
        "build lockstep with LibTorch from the CUDA wheel (scripts/setup.sh), or train with --devices cuda:0");
  }
  return *loaded.module;
}

}  // namespace lockstep::parallel
