#include "lockstep/nn/instance_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/nn/instance_norm_kernels.h"

namespace lockstep::nn {
namespace {

constexpr double kEpsilon = 1e-5;
constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast3d;

/// The bits of a tensor's values, as the kernels take them.
template <typename T>
const T* bits_of(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}
template <typename T>
T* mutable_bits_of(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

/// A volume in pieces of so many places that threads can share them, cut in the same way whatever their number.
class Pieces {
 public:
  explicit Pieces(const at::Tensor& x)
      : samples_(x.size(0)),
        channels_(x.size(1)),
        places_(x.size(2) * x.size(3) * x.size(4)),
        of_sample_((places_ + kPlaces - 1) / kPlaces) {}

  std::int64_t samples() const { return samples_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t places() const { return places_; }  ///< of a sample
  std::int64_t of_sample() const { return of_sample_; }

  /// Calls `visit(piece, sample, offset, rows)` for all of them: `offset` is where the values of `rows` begin.
  template <typename T, typename Visit>
  void for_each(const at::Tensor& x, const Visit& visit) const {
    at::parallel_for(0, samples_ * of_sample_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        const std::int64_t sample = piece / of_sample_;
        const std::int64_t first = piece % of_sample_ * kPlaces;
        const std::int64_t offset = (sample * places_ + first) * channels_;
        const auto count = static_cast<std::size_t>(std::min(kPlaces, places_ - first));
        visit(piece, sample, offset, Rows<T>{bits_of<T>(x) + offset, count, static_cast<std::size_t>(channels_)});
      }
    });
  }

  /// Two sums a channel, of each sample, added up over its pieces in their order. // (2, samples, channels) float64
  template <typename T, typename Add>
  at::Tensor sums(const at::Tensor& x, const Add& add) const {
    const at::Tensor parts = at::zeros({2, samples_, of_sample_, channels_}, at::kFloat);
    float* first = parts.mutable_data_ptr<float>();
    float* second = first + parts.numel() / 2;
    for_each<T>(x, [&](std::int64_t piece, std::int64_t sample, std::int64_t offset, const Rows<T>& rows) {
      add(sample, offset, rows, first + piece * channels_, second + piece * channels_);
    });
    return parts.to(at::kDouble).sum(2);
  }

 private:
  static constexpr std::int64_t kPlaces = 2048;

  std::int64_t samples_;
  std::int64_t channels_;
  std::int64_t places_;
  std::int64_t of_sample_;
};

float* row_of(const at::Tensor& table, std::int64_t sample) {
  return table.mutable_data_ptr<float>() + sample * table.size(1);
}

/// Of each channel of each sample: (samples, channels) float32.
struct ChannelMoments {
  at::Tensor mean;
  at::Tensor inverse_deviation;
};

template <typename T>
ChannelMoments moments_of(const at::Tensor& x, const Pieces& pieces) {
  const at::Tensor origin = x.select(2, 0).select(2, 0).select(2, 0).to(at::kFloat).contiguous();
  const at::Tensor sums =
      pieces.sums<T>(x, [&](std::int64_t sample, std::int64_t, const Rows<T>& rows, float* first, float* second) {
        add_moments(rows, row_of(origin, sample), first, second);
      });
  const auto count = static_cast<double>(pieces.places());
  const at::Tensor mean = sums[0] / count;
  const at::Tensor variance = (sums[1] / count - mean.square()).clamp_min(0);
  return {(mean + origin).to(at::kFloat), (variance + kEpsilon).rsqrt().to(at::kFloat)};
}

class FusedInstanceNorm : public torch::autograd::Function<FusedInstanceNorm> {
 public:
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const std::optional<at::Tensor>& residual, double slope) {
    return x.scalar_type() == at::kFloat ? forward_of<float>(context, x, weight, bias, residual, slope)
                                         : forward_of<std::uint16_t>(context, x, weight, bias, residual, slope);
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& gradients) {
    return context->get_saved_variables().front().scalar_type() == at::kFloat
               ? backward_of<float>(context, gradients.front())
               : backward_of<std::uint16_t>(context, gradients.front());
  }

 private:
  template <typename T>
  static at::Tensor forward_of(Context* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                               const std::optional<at::Tensor>& residual, double slope) {
    const Pieces pieces(x);
    const ChannelMoments moments = moments_of<T>(x, pieces);
    const at::Tensor scale = moments.inverse_deviation * weight;
    const at::Tensor shift = bias - moments.mean * scale;
    const at::Tensor y = at::empty_like(x);
    pieces.for_each<T>(x, [&](std::int64_t, std::int64_t sample, std::int64_t offset, const Rows<T>& rows) {
      scale_and_activate(rows, row_of(scale, sample), row_of(shift, sample),
                         residual ? bits_of<T>(*residual) + offset : nullptr, static_cast<float>(slope),
                         mutable_bits_of<T>(y) + offset);
    });
    context->save_for_backward({x, y, weight, moments.mean, moments.inverse_deviation});
    context->saved_data["slope"] = slope;
    context->saved_data["has_residual"] = residual.has_value();
    return y;
  }

  template <typename T>
  static torch::autograd::variable_list backward_of(Context* context, const at::Tensor& of_result) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& y = saved[1];
    const ChannelMoments moments{saved[3], saved[4]};
    const auto slope = static_cast<float>(context->saved_data["slope"].toDouble());
    const at::Tensor gradient = of_result.to(x.scalar_type()).contiguous(kChannelsLast);
    const Pieces pieces(x);
    const at::Tensor sums = pieces.sums<T>(
        x, [&](std::int64_t sample, std::int64_t offset, const Rows<T>& rows, float* first, float* second) {
          add_gradient_sums(rows, bits_of<T>(y) + offset, bits_of<T>(gradient) + offset, row_of(moments.mean, sample),
                            slope, first, second);
        });

    // With d the gradient of the norm's result and n the normalised x:
    // weight · inverse deviation · (d - mean(d) - n · mean(d · n)), as a straight line in d and x.
    const auto count = static_cast<double>(pieces.places());
    const at::Tensor deviation = moments.inverse_deviation.to(at::kDouble);
    const at::Tensor of_weight = sums[1] * deviation;  // (samples, channels)
    const at::Tensor by_gradient = deviation * saved[2].to(at::kDouble);
    const at::Tensor by_value = -by_gradient * deviation * of_weight / count;
    const at::Tensor constant = -by_gradient * sums[0] / count - by_value * moments.mean.to(at::kDouble);
    const std::array factors{by_gradient.to(at::kFloat), by_value.to(at::kFloat), constant.to(at::kFloat)};

    const at::Tensor of_input = at::empty_like(x);
    const at::Tensor of_residual = context->saved_data["has_residual"].toBool() ? at::empty_like(x) : at::Tensor();
    pieces.for_each<T>(x, [&](std::int64_t, std::int64_t sample, std::int64_t offset, const Rows<T>& rows) {
      const GradientTargets<T> targets{mutable_bits_of<T>(of_input) + offset,
                                       of_residual.defined() ? mutable_bits_of<T>(of_residual) + offset : nullptr};
      input_gradient(rows, bits_of<T>(y) + offset, bits_of<T>(gradient) + offset, row_of(factors[0], sample),
                     row_of(factors[1], sample), row_of(factors[2], sample), slope, targets);
    });
    return {of_input, of_weight.sum(0).to(at::kFloat), sums[0].sum(0).to(at::kFloat), of_residual, at::Tensor()};
  }
};

bool is_fused(const at::Tensor& x) {
  const bool has_kernels = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return x.is_cpu() && has_kernels && x.is_contiguous(kChannelsLast) && x.numel() > 0;
}

}  // namespace

at::Tensor instance_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double slope,
                         const at::Tensor& residual) {
  LOCKSTEP_ASSERT(x.dim() == 5 && slope > 0, "a batch of volumes and a slope above 0 are needed");
  LOCKSTEP_ASSERT(!residual.defined() || residual.sizes() == x.sizes(), "the residual has the shape of x");
  if (is_fused(x)) {
    std::optional<at::Tensor> beside;  // autograd takes no tensor that is not defined
    if (residual.defined()) {
      beside = residual.to(x.scalar_type()).contiguous(kChannelsLast);
    }
    return FusedInstanceNorm::apply(x, weight, bias, beside, slope);
  }
  at::Tensor y = at::instance_norm(x, weight, bias, {}, {}, /*use_input_stats=*/true, /*momentum=*/0, kEpsilon,
                                   /*cudnn_enabled=*/true);
  if (residual.defined()) {
    y = y + residual;
  }
  return slope == 1 ? y : at::leaky_relu(y, slope);
}

}  // namespace lockstep::nn
