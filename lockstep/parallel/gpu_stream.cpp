#include "lockstep/parallel/gpu_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace lockstep::parallel {

c10::Stream current_stream(c10::Device gpu) { return c10::impl::VirtualGuardImpl(gpu.type()).getStream(gpu); }

c10::Stream pooled_stream(c10::Device gpu, StreamPriority priority) {
  return c10::impl::VirtualGuardImpl(gpu.type()).getStreamFromGlobalPool(gpu, priority == StreamPriority::kHigh);
}

}  // namespace lockstep::parallel
