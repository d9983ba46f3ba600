#pragma once

#include <torch/torch.h>

#include <cstddef>

#include "lockstep/parallel/group.h"

namespace lockstep::nn {

/// Batch norm over the joined batch of all ranks: output, gradients and running statistics are those of one batch norm
/// over the concatenated inputs. Collective, in forward and in backward; a rank without samples takes part with an
/// empty batch.
///
/// input: (batch, channels, …) floating; the mean and the variance of a channel are summed in float64. weight, bias,
/// running_mean and running_var: (channels) or undefined. The running statistics are moved by `momentum` in place, to
/// the unbiased variance as in PyTorch. Gradients of weight and bias are those of this rank's share: the sum over the
/// ranks is that of the joined batch, as with every other parameter. Throws UsageError where the joined batch has fewer
/// than two values a channel.
at::Tensor sync_batch_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                           const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                           double epsilon, parallel::Group& group);

/// While it lives, every batch norm that trains in the calling thread joins the batches of the group's ranks, whoever
/// calls it: a torch::nn::BatchNorm or at::batch_norm. Not a TorchScript model: its optimising executor exchanges the
/// operation for others. Modules, parameters and buffers stay as they are; batch norms in evaluation mode, too. (A
/// layer of a C++ network is a typed member of the one above, so it could not be exchanged for another from outside.)
/// The backward pass may run after the scope has ended, but not after the group.
///
/// Backward waits for the other ranks. The group must therefore not be the one that reduces gradients meanwhile, and
/// two ranks must not share one device, for which autograd has one thread.
class SyncBatchNormScope {
 public:
  explicit SyncBatchNormScope(parallel::Group* group);
  ~SyncBatchNormScope();
  SyncBatchNormScope(const SyncBatchNormScope&) = delete;
  SyncBatchNormScope& operator=(const SyncBatchNormScope&) = delete;

  /// The group of the innermost scope of the calling thread; null where there is none.
  static parallel::Group* innermost_group();

 private:
  parallel::Group* outer_;
};

/// The layers at and below a module whose statistics a SyncBatchNormScope would join: torch's BatchNorm1d, 2d and 3d.
std::size_t count_batch_norms(const torch::nn::Module& network);

}  // namespace lockstep::nn
