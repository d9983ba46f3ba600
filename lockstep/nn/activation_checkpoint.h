#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <vector>

namespace lockstep::nn {

/// A piece of a network that can be run twice: it computes its result from its inputs and from the modules named beside
/// it, and changes nothing but their buffers.
using Segment = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>&)>;

/// Runs a segment without keeping what its inner operations would keep for backward; backward runs it once more
/// instead: Chen et al., "Training deep nets with sublinear memory cost", 2016. Only the inputs are kept.
///
/// `modules` are those whose parameters and buffers the segment uses. The parameters are inputs of the one operation
/// that the outer graph sees, so their gradients come to it as from any other operation: hooks on the accumulator of a
/// parameter fire once a backward pass, also where several segments share it, and a frozen one takes no part. In the
/// second run the same RandomScope, SyncBatchNormScope, autocast state and buffers are in force as in the first, and
/// the buffers are then put back: a batch norm counts a batch once. Gradients are the same bits as without, as long as
/// operations repeat theirs. Casts of weights that autocast would cache are made anew in each segment.
///
/// Without gradients (evaluation), or where nothing asks for one, this is `forward(inputs)`. Inputs must be defined.
/// What `forward` refers to must live until backward is over. A second derivative is not supported.
std::vector<at::Tensor> checkpointed(const std::vector<std::shared_ptr<torch::nn::Module>>& modules,
                                     const std::vector<at::Tensor>& inputs, Segment forward);

/// The same for one module, one input and one output.
at::Tensor checkpointed(const std::shared_ptr<torch::nn::Module>& module, const at::Tensor& input,
                        std::function<at::Tensor(const at::Tensor&)> forward);

}  // namespace lockstep::nn
