#include "lockstep/train/algorithms.h"

#include <ATen/Context.h>

#include <cstdlib>

namespace lockstep::train {

void allow_algorithms(const TrainOptions& options) {
  if (options.deterministic) {
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // cuBLAS asks for it before it is first used
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  at::globalContext().setBenchmarkCuDNN(!options.deterministic);
}

}  // namespace lockstep::train
