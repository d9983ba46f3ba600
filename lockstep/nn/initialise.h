#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace lockstep::nn {

/// A module that derives from this has the weights at and below it drawn after He et al., "Delving deep into
/// rectifiers", ICCV 2015: normal with a variance of 2 / fan-in, so that values keep their size on the way through,
/// also in a head with one output.
class KaimingInitialised {
 public:
  virtual ~KaimingInitialised() = default;
};

/// Gives every convolution (2D, 3D, transposed 3D) and linear layer its first weights, as a function of the seed and
/// the structure alone: the same bits in every rank and thread. Weights come from a normal distribution of standard
/// deviation 0.02 that is cut off at twice that (as timm does for EdgeNeXt), or as KaimingInitialised says; biases
/// become 0. Whatever else a network has (norms, layer scales, temperatures) keeps the constants with which it was
/// made.
void initialise(torch::nn::Module& network, std::uint64_t seed);

}  // namespace lockstep::nn
