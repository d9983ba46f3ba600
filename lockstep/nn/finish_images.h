#pragma once

#include <ATen/core/Tensor.h>

#include "lockstep/data/finish_batch.h"

namespace lockstep::nn {

/// What is left to do between decoded pixels and a network: flip, colours, normalisation with the mean and deviation of
/// ImageNet. images: (batch, height, width, 3) uint8; samples: (batch, sizeof(data::SampleFinish)) uint8, on the same
/// device. Gives (batch, 3, height, width) float32 there: the bits of data::finish_batch, on the GPU by one kernel.
/// Without the module of CUDA, or without the kernel in it, the processor does it.
at::Tensor finish_images(const at::Tensor& images, const at::Tensor& samples);

}  // namespace lockstep::nn
