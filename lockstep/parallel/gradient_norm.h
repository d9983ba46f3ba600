#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lockstep/parallel/group.h"

namespace lockstep::parallel {

/// The L2 norm of all gradients together, summed in double, one gradient after the other in the order given. On the CPU
/// the ranks of `sharing`, which have the same gradients, compute a share of it each: then it is collective; nullptr:
/// this rank computes all of it. Gradients are contiguous, float32, and of one device, which is waited for.
double norm_of(const std::vector<at::Tensor>& gradients, Group* sharing);

}  // namespace lockstep::parallel
