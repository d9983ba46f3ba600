#include "lockstep/nn/sync_batch_norm.h"

#include <ATen/ops/batch_norm_native.h>
#include <torch/library.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::nn {
namespace {

thread_local parallel::Group* group_of_scope = nullptr;

/// All dimensions but that of the channels.
std::vector<std::int64_t> reduced_dimensions(const at::Tensor& input) {
  std::vector<std::int64_t> dimensions(static_cast<std::size_t>(input.dim()) - 1);
  std::iota(dimensions.begin(), dimensions.end(), 1);
  dimensions[0] = 0;
  return dimensions;
}

/// A value a channel, in a shape that spreads over the input.
at::Tensor spread(const at::Tensor& values, const at::Tensor& input) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(input.dim()), 1);
  shape[1] = input.size(1);
  return values.to(input.scalar_type()).view(shape);
}

at::Tensor sum_of_channels(const at::Tensor& values) {
  return values.sum(reduced_dimensions(values), /*keepdim=*/false, at::kDouble);
}

/// What is computed in: half precision is too coarse for differences from a mean.
at::Tensor widened(const at::Tensor& input) {
  return input.scalar_type() == at::kDouble ? input : input.to(at::kFloat);
}

/// Of the joined batch, (channels) float64 each but for the count.
struct Moments {
  double count = 0;
  at::Tensor mean;
  at::Tensor variance;  // biased
};

/// Each rank's deviations are taken from its own mean and then moved to the common one, Chan et al., "Algorithms for
/// computing the sample variance", 1983, with one collective.
Moments joined_moments(const at::Tensor& input, parallel::Group& group) {
  const std::int64_t channels = input.size(1);
  const double own_count = static_cast<double>(input.numel() / std::max<std::int64_t>(channels, 1));
  const at::Tensor own_mean = sum_of_channels(input) / std::max(own_count, 1.0);
  const at::Tensor own_deviation = sum_of_channels((input - spread(own_mean, input)).square());
  // The mean as it was subtracted, in the input's own precision.
  const at::Tensor subtracted = own_mean.to(input.scalar_type()).to(at::kDouble);
  const at::Tensor own_sum = own_mean * own_count;
  const at::Tensor own_squares = own_deviation + 2 * subtracted * own_sum - subtracted.square() * own_count;

  const at::Tensor sums = at::cat({own_sum, own_squares, at::full({1}, own_count, own_sum.options())});
  group.all_reduce(sums);
  Moments moments;
  moments.count = sums[2 * channels].item<double>();
  if (moments.count < 2) {
    throw UsageError("batch norm got fewer than two values a channel to learn from", "give a larger --batch-size");
  }
  moments.mean = sums.narrow(0, 0, channels) / moments.count;
  moments.variance = (sums.narrow(0, channels, channels) / moments.count - moments.mean.square()).clamp_min(0);
  return moments;
}

/// The affine map of normalised values, and its derivatives through the joined moments.
class JoinedNorm : public torch::autograd::Function<JoinedNorm> {
 public:
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context* context, const at::Tensor& input, const std::optional<at::Tensor>& weight,
                            const std::optional<at::Tensor>& bias, const Moments& moments, double epsilon,
                            parallel::Group* group) {
    const at::Tensor scale = (moments.variance + epsilon).rsqrt();
    context->save_for_backward({input, weight.value_or(at::Tensor()), moments.mean, scale});
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["count"] = moments.count;
    context->saved_data["group"] = reinterpret_cast<std::int64_t>(group);
    const at::Tensor values = widened(input);
    at::Tensor result = (values - spread(moments.mean, values)) * spread(scale, values);
    if (weight) {
      result = result * spread(*weight, values);
    }
    if (bias) {
      result = result + spread(*bias, values);
    }
    return result.to(input.scalar_type());
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& weight = saved[1];
    const double count = context->saved_data["count"].toDouble();
    auto* group = reinterpret_cast<parallel::Group*>(context->saved_data["group"].toInt());
    const at::Tensor values = widened(saved[0]);
    const at::Tensor gradient = gradients[0].to(values.scalar_type());
    const at::Tensor normalised = (values - spread(saved[2], values)) * spread(saved[3], values);

    const at::Tensor own = at::stack({sum_of_channels(gradient), sum_of_channels(gradient * normalised)});
    const at::Tensor joined = own.clone();  // (2, channels) float64
    group->all_reduce(joined);
    const at::Tensor mean = joined / count;
    at::Tensor scale = saved[3];
    torch::autograd::variable_list result(6);
    if (weight.defined()) {
      scale = scale * weight;
      result[1] = own[1].to(weight.scalar_type());
    }
    if (context->saved_data["has_bias"].toBool()) {
      result[2] = own[0].to(values.scalar_type());
    }
    const at::Tensor centred = gradient - spread(mean[0], values) - normalised * spread(mean[1], values);
    result[0] = (centred * spread(scale, values)).to(saved[0].scalar_type());
    return result;
  }
};

std::optional<at::Tensor> if_defined(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

void follow(const at::Tensor& running, const at::Tensor& value, double momentum) {
  if (running.defined()) {
    running.variable_data().mul_(1 - momentum).add_(value.to(running.options()), momentum);
  }
}

/// Stands before PyTorch's batch norm where gradients are recorded; without a scope it is the same.
at::Tensor batch_norm(const at::Tensor& input, const std::optional<at::Tensor>& weight,
                      const std::optional<at::Tensor>& bias, const std::optional<at::Tensor>& running_mean,
                      const std::optional<at::Tensor>& running_var, bool training, double momentum, double epsilon,
                      bool cudnn_enabled) {
  if (group_of_scope == nullptr || !training) {
    return at::native::batch_norm(input, weight, bias, running_mean, running_var, training, momentum, epsilon,
                                  cudnn_enabled);
  }
  const auto given = [](const std::optional<at::Tensor>& tensor) { return tensor.value_or(at::Tensor()); };
  return sync_batch_norm(input, given(weight), given(bias), given(running_mean), given(running_var), momentum, epsilon,
                         *group_of_scope);
}

TORCH_LIBRARY_IMPL(aten, AutogradCPU, library) { library.impl("batch_norm", batch_norm); }
TORCH_LIBRARY_IMPL(aten, AutogradCUDA, library) { library.impl("batch_norm", batch_norm); }

}  // namespace

at::Tensor sync_batch_norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                           const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                           double epsilon, parallel::Group& group) {
  LOCKSTEP_ASSERT(input.dim() >= 2, "batch norm needs (batch, channels, …)");
  Moments moments;
  {
    const at::NoGradGuard no_gradient;
    moments = joined_moments(widened(input), group);
    follow(running_mean, moments.mean, momentum);
    follow(running_var, moments.variance * (moments.count / (moments.count - 1)), momentum);
  }
  return JoinedNorm::apply(input, if_defined(weight), if_defined(bias), moments, epsilon, &group);
}

SyncBatchNormScope::SyncBatchNormScope(parallel::Group* group) : outer_(group_of_scope) { group_of_scope = group; }

SyncBatchNormScope::~SyncBatchNormScope() { group_of_scope = outer_; }

parallel::Group* SyncBatchNormScope::innermost_group() { return group_of_scope; }

std::size_t count_batch_norms(const torch::nn::Module& network) {
  const bool is_batch_norm = network.as<torch::nn::BatchNorm1dImpl>() != nullptr ||
                             network.as<torch::nn::BatchNorm2dImpl>() != nullptr ||
                             network.as<torch::nn::BatchNorm3dImpl>() != nullptr;
  std::size_t count = is_batch_norm ? 1 : 0;
  for (const auto& child : network.children()) {
    count += count_batch_norms(*child);
  }
  return count;
}

}  // namespace lockstep::nn
