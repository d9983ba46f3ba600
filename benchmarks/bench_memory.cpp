// The most memory that forward and backward of the camouflage network hold, with and without gradient checkpointing.
//
// usage: bench_memory BACKBONE SIDE BATCH

#include <torch/torch.h>

#include <cstdlib>

#include "benchmarks/protocol.h"
#include "lockstep/models/camouflage_network.h"
#include "lockstep/nn/initialise.h"
#include "tests/support/memory_meter.h"

namespace lockstep::benchmarks {
namespace {

struct Pass {
  double peak_megabytes = 0;  ///< beside the weights: activations, gradients, and what operators use
  double milliseconds = 0;
};

Pass run_pass(const std::string& backbone, const at::Tensor& images, bool gradient_checkpointing) {
  models::CamouflageNetworkOptions options;
  options.backbone = backbone;
  options.gradient_checkpointing = gradient_checkpointing;
  models::CamouflageNetwork network(options);
  nn::initialise(network, /*seed=*/1);
  network.train();
  constexpr double kMegabyte = 1e6;
  const test::MemoryMeter meter;
  Pass pass;
  pass.milliseconds = milliseconds([&] { network.forward(images).logits.sum().backward(); });
  pass.peak_megabytes = static_cast<double>(meter.peak_bytes()) / kMegabyte;
  return pass;
}

Figures run_round(const std::string& backbone, const at::Tensor& images) {
  const Pass plain = run_pass(backbone, images, false);
  const Pass checkpointed = run_pass(backbone, images, true);
  return {{"peak_MB", plain.peak_megabytes},
          {"peak_with_checkpointing_MB", checkpointed.peak_megabytes},
          {"pass_ms", plain.milliseconds},
          {"pass_with_checkpointing_ms", checkpointed.milliseconds}};
}

}  // namespace
}  // namespace lockstep::benchmarks

int main(int, char** arguments) {
  using namespace lockstep;
  at::set_num_threads(1);
  benchmarks::stay_on_core(0);
  const std::int64_t side = std::atoll(arguments[2]);
  const at::Tensor images = at::randn({std::atoll(arguments[3]), 3, side, side});
  benchmarks::serve([&] { return benchmarks::run_round(arguments[1], images); });
}
