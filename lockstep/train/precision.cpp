#include "lockstep/train/precision.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {
namespace {

bool processor_has_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

bool gpu_has_bfloat16(c10::Device device) {
  const c10::DeviceGuard guard(device);  // the question is answered for the current one
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

std::string fastest_on(c10::Device device) {
  if (device.is_cpu()) {
    return processor_has_bfloat16() ? "bf16" : "fp32";
  }
  return gpu_has_bfloat16(device) ? "bf16" : "fp16";
}

}  // namespace

std::optional<c10::ScalarType> Precision::autocast_type() const {
  if (name == "bf16") {
    return c10::ScalarType::BFloat16;
  }
  if (name == "fp16") {
    return c10::ScalarType::Half;
  }
  return std::nullopt;
}

Precision choose_precision(const std::string& asked_for, c10::Device device) {
  if (asked_for == "auto") {
    return {fastest_on(device)};
  }
  if (asked_for != "fp32" && asked_for != "bf16" && asked_for != "fp16") {
    throw UsageError(text("--precision '", asked_for, "' is not known"), "give auto, fp32, bf16 or fp16");
  }
  return {asked_for};
}

}  // namespace lockstep::train
