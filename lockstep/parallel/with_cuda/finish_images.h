#pragma once

#include <ATen/core/Tensor.h>

namespace lockstep::parallel {

/// What nn::finish_images does, for tensors on one GPU, in its current stream.
at::Tensor finish_images_on_gpu(const at::Tensor& images, const at::Tensor& samples);

}  // namespace lockstep::parallel
