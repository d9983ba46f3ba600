#include "lockstep/parallel/gloo.h"

#define USE_C10D_GLOO  // LibTorch's header is empty without it; LibTorch for Linux is always built with Gloo
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "lockstep/parallel/placement.h"

namespace lockstep::parallel {

using c10d::ProcessGroupGloo;

c10::intrusive_ptr<c10d::Backend> make_gloo(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                            Seconds timeout, bool one_machine) {
  const auto options = ProcessGroupGloo::Options::create(std::chrono::ceil<std::chrono::milliseconds>(timeout));
  if (const auto interface = environment_variable("GLOO_SOCKET_IFNAME")) {
    options->devices.push_back(ProcessGroupGloo::createDeviceForInterface(*interface));
  } else if (one_machine) {
    options->devices.push_back(ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  } else {
    options->devices.push_back(ProcessGroupGloo::createDefaultDevice());
  }
  return c10::make_intrusive<ProcessGroupGloo>(store, rank, size, options);
}

}  // namespace lockstep::parallel
