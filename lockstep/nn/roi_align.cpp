#include "lockstep/nn/roi_align.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/nn/gpu_kernels.h"
#include "lockstep/nn/roi_axis.h"
#include "lockstep/parallel/cuda_module.h"

namespace lockstep::nn {
namespace {

constexpr auto kPixelsOfChannels = at::MemoryFormat::ChannelsLast;

/// The weights of all bins of all boxes along one axis.
template <typename T>
class AxisWeights {
 public:
  /// `first` is the column of `boxes`, (n, 5), with the lower end.
  AxisWeights(const T* boxes, std::int64_t first, const RoiAlignShape& shape, std::int64_t length)
      : bins_(shape.bins),
        length_(length),
        weights_(static_cast<std::size_t>(shape.boxes * shape.bins * length)),
        ranges_(static_cast<std::size_t>(shape.boxes * shape.bins)) {
    for (std::int64_t box = 0; box < shape.boxes; ++box) {
      const T* row = boxes + box * 5;
      for (std::int64_t bin = 0; bin < bins_; ++bin) {
        const auto place = static_cast<std::size_t>(box * bins_ + bin);
        ranges_[place] = weigh_bin(row[first], row[first + 2], shape, bin, length,
                                   weights_.data() + static_cast<std::int64_t>(place) * length);
      }
    }
  }

  RoiRange range(std::int64_t box, std::int64_t bin) const { return ranges_[place_of(box, bin)]; }
  const T* weights(std::int64_t box, std::int64_t bin) const {
    return weights_.data() + static_cast<std::int64_t>(place_of(box, bin)) * length_;
  }

 private:
  std::size_t place_of(std::int64_t box, std::int64_t bin) const { return static_cast<std::size_t>(box * bins_ + bin); }

  std::int64_t bins_;
  std::int64_t length_;
  std::vector<T> weights_;
  std::vector<RoiRange> ranges_;
};

template <typename T>
void add_scaled(const T* __restrict from, T weight, std::int64_t count, T* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] += weight * from[i];
  }
}

at::Tensor zeros_of(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options(), kPixelsOfChannels).zero_();
}

/// Channels of a pixel lie beside each other in `features` and in what is returned.
template <typename T>
at::Tensor align_on_host(const at::Tensor& features, const at::Tensor& boxes, const RoiAlignShape& shape) {
  const at::Tensor bins = zeros_of({shape.boxes, shape.channels, shape.bins, shape.bins}, features);
  const T* feature = features.const_data_ptr<T>();
  const T* box_rows = boxes.const_data_ptr<T>();
  T* target = bins.mutable_data_ptr<T>();
  const AxisWeights<T> down(box_rows, 2, shape, shape.height);
  const AxisWeights<T> across(box_rows, 1, shape, shape.width);
  at::parallel_for(0, shape.boxes * shape.bins, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t box = row / shape.bins;
      const T* image =
          feature + static_cast<std::int64_t>(box_rows[box * 5]) * shape.height * shape.width * shape.channels;
      const RoiRange ys = down.range(box, row % shape.bins);
      const T* by_row = down.weights(box, row % shape.bins);
      for (std::int64_t bin = 0; bin < shape.bins; ++bin) {
        const RoiRange xs = across.range(box, bin);
        const T* by_column = across.weights(box, bin);
        T* sum = target + (row * shape.bins + bin) * shape.channels;
        for (std::int32_t y = ys.first; y < ys.end; ++y) {
          for (std::int32_t x = xs.first; x < xs.end; ++x) {
            add_scaled(image + (y * shape.width + x) * shape.channels, by_row[y] * by_column[x], shape.channels, sum);
          }
        }
      }
    }
  });
  return bins;
}

/// Each row of pixels collects what the boxes send it, in their order: no two threads add to one place.
template <typename T>
at::Tensor gradient_on_host(const at::Tensor& of_bins, const at::Tensor& boxes, const RoiAlignShape& shape) {
  const at::Tensor of_features = zeros_of({shape.batch, shape.channels, shape.height, shape.width}, of_bins);
  const T* source = of_bins.const_data_ptr<T>();
  const T* box_rows = boxes.const_data_ptr<T>();
  T* target = of_features.mutable_data_ptr<T>();
  const AxisWeights<T> down(box_rows, 2, shape, shape.height);
  const AxisWeights<T> across(box_rows, 1, shape, shape.width);
  at::parallel_for(0, shape.batch * shape.height, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t y = row % shape.height;
      T* pixels = target + row * shape.width * shape.channels;
      for (std::int64_t box = 0; box < shape.boxes; ++box) {
        if (static_cast<std::int64_t>(box_rows[box * 5]) != row / shape.height) {
          continue;
        }
        for (std::int64_t i = 0; i < shape.bins; ++i) {
          const T by_row = down.weights(box, i)[y];
          if (by_row == 0) {
            continue;
          }
          for (std::int64_t j = 0; j < shape.bins; ++j) {
            const RoiRange xs = across.range(box, j);
            const T* by_column = across.weights(box, j);
            const T* of_bin = source + ((box * shape.bins + i) * shape.bins + j) * shape.channels;
            for (std::int32_t x = xs.first; x < xs.end; ++x) {
              add_scaled(of_bin, by_row * by_column[x], shape.channels, pixels + x * shape.channels);
            }
          }
        }
      }
    }
  });
  return of_features;
}

using RoiAlignOnHost = at::Tensor (*)(const at::Tensor& values, const at::Tensor& boxes, const RoiAlignShape& shape);

/// Runs one direction where the values are: on the GPU by the kernel of that name where there is one, else on the host.
at::Tensor run_direction(const char* kernel, RoiAlignOnHost in_float, RoiAlignOnHost in_double,
                         const at::Tensor& values, const at::Tensor& boxes, const RoiAlignShape& shape) {
  if (values.is_cuda() && values.scalar_type() == at::kFloat) {
    if (const auto on_gpu = reinterpret_cast<RoiAlignOnGpu>(parallel::find_in_cuda_module(kernel))) {
      at::Tensor result;
      on_gpu(values.contiguous(), boxes, shape, result);
      return result;
    }
  }
  const RoiAlignOnHost on_host = values.scalar_type() == at::kDouble ? in_double : in_float;
  return on_host(values.cpu().contiguous(kPixelsOfChannels), boxes.cpu(), shape).to(values.device());
}

class RoiAlign : public torch::autograd::Function<RoiAlign> {
 public:
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context* context, const at::Tensor& features, const at::Tensor& boxes,
                            const RoiAlignOptions& options) {
    const RoiAlignShape shape{features.size(0), features.size(1),    features.size(2),       features.size(3),
                              boxes.size(0),    options.output_size, options.sampling_ratio, options.spatial_scale};
    context->save_for_backward({boxes});
    context->saved_data["size"] = features.sizes();
    context->saved_data["bins"] = options.output_size;
    context->saved_data["samples"] = options.sampling_ratio;
    context->saved_data["scale"] = options.spatial_scale;
    return run_direction("lockstep_roi_align", &align_on_host<float>, &align_on_host<double>, features, boxes, shape);
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& gradients) {
    const at::Tensor boxes = context->get_saved_variables().front();
    const auto size = context->saved_data["size"].toIntVector();
    const RoiAlignShape shape{size[0],
                              size[1],
                              size[2],
                              size[3],
                              boxes.size(0),
                              context->saved_data["bins"].toInt(),
                              context->saved_data["samples"].toInt(),
                              context->saved_data["scale"].toDouble()};
    return {run_direction("lockstep_roi_align_gradient", &gradient_on_host<float>, &gradient_on_host<double>,
                          gradients.front(), boxes, shape),
            at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor roi_align(const at::Tensor& features, const at::Tensor& boxes, const RoiAlignOptions& options) {
  LOCKSTEP_ASSERT(features.dim() == 4 && features.numel() > 0, "features are (batch, channels, height, width)");
  LOCKSTEP_ASSERT(boxes.dim() == 2 && boxes.size(1) == 5, "boxes are (n, 5): image, x0, y0, x1, y1");
  LOCKSTEP_ASSERT(options.output_size > 0 && options.sampling_ratio >= 0, "there is at least one bin");
  const at::ScalarType type = features.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return RoiAlign::apply(features.to(type), boxes.detach().to(type).contiguous(), options);
}

}  // namespace lockstep::nn
