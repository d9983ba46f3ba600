#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lockstep::nn {

/// Scales features, (batch, channels, h, w), to (batch, channels, height, width) as PyTorch's
/// `interpolate(mode="bilinear", align_corners=False)`. On CUDA the backward of LibTorch's own kernel adds in an order
/// that changes from run to run and refuses to run under `--deterministic`; there `resize_bilinear_by_matrices` serves.
at::Tensor resize_bilinear(const at::Tensor& features, std::int64_t height, std::int64_t width);

/// The same as two products with matrices of weights, one for each axis.
at::Tensor resize_bilinear_by_matrices(const at::Tensor& features, std::int64_t height, std::int64_t width);

}  // namespace lockstep::nn
