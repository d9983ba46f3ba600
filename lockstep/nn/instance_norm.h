#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lockstep::nn {

/// leaky_relu(norm(x) + residual) in one operation, where norm takes mean and variance of each channel of each sample
/// over its voxels: Ulyanov et al., "Instance normalization", 2016; as torch.nn.InstanceNorm3d(affine=True) with its
/// default epsilon. x: (batch, channels, depth, height, width); weight, bias: (channels) float32; residual: as x, or
/// undefined for none. A slope of 1 leaves the activation out; else it must be above 0, so that the sign of the result
/// tells what was below.
///
/// On the CPU, volumes whose channels lie beside each other (channels last) take a path of their own, for float32 and
/// bfloat16: LibTorch's backward pass of norms takes several times as long as the convolutions there. The bits of its
/// result do not depend on the number of threads.
at::Tensor instance_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double slope,
                         const at::Tensor& residual = {});

/// The same with parameters of its own: "weight" begins as 1, "bias" as 0.
class InstanceNorm3d : public torch::nn::Module {
 public:
  explicit InstanceNorm3d(std::int64_t channels)
      : weight_(register_parameter("weight", at::ones({channels}))),
        bias_(register_parameter("bias", at::zeros({channels}))) {}

  at::Tensor forward(const at::Tensor& x, double slope, const at::Tensor& residual = {}) {
    return instance_norm(x, weight_, bias_, slope, residual);
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace lockstep::nn
