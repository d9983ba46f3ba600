#include "lockstep/nn/with_cuda/roi_align.h"

namespace lockstep::nn {
namespace {

constexpr std::int64_t kThreads = 256;
constexpr std::int64_t kMostBlocks = 65535;

unsigned blocks_for(std::int64_t count) {
  const std::int64_t blocks = (count + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

__device__ std::int64_t first_of_thread() { return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ std::int64_t threads_in_all() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

/// One thread a bin of a box; `first` is the column of `boxes` with the lower end of the axis.
__global__ void weigh_axis(const float* boxes, int first, RoiAlignShape shape, std::int64_t length, float* weights,
                           RoiRange* ranges) {
  for (std::int64_t place = first_of_thread(); place < shape.boxes * shape.bins; place += threads_in_all()) {
    const float* row = boxes + place / shape.bins * 5;
    ranges[place] = weigh_bin(row[first], row[first + 2], shape, place % shape.bins, length, weights + place * length);
  }
}

/// One thread a bin of a channel of a box.
__global__ void sum_bins(const float* features, const float* boxes, RoiAlignShape shape, RoiAlignScratch scratch,
                         float* bins) {
  const std::int64_t count = shape.boxes * shape.channels * shape.bins * shape.bins;
  for (std::int64_t i = first_of_thread(); i < count; i += threads_in_all()) {
    const std::int64_t column = i % shape.bins;
    const std::int64_t row = i / shape.bins % shape.bins;
    const std::int64_t channel = i / (shape.bins * shape.bins) % shape.channels;
    const std::int64_t box = i / (shape.bins * shape.bins * shape.channels);
    const auto image = static_cast<std::int64_t>(boxes[box * 5]);
    const float* plane = features + (image * shape.channels + channel) * shape.height * shape.width;
    const RoiRange ys = scratch.down_range[box * shape.bins + row];
    const RoiRange xs = scratch.across_range[box * shape.bins + column];
    const float* by_row = scratch.down + (box * shape.bins + row) * shape.height;
    const float* by_column = scratch.across + (box * shape.bins + column) * shape.width;
    float sum = 0;
    for (std::int32_t y = ys.first; y < ys.end; ++y) {
      for (std::int32_t x = xs.first; x < xs.end; ++x) {
        sum += by_row[y] * by_column[x] * plane[y * shape.width + x];
      }
    }
    bins[i] = sum;
  }
}

/// What one box sends to a pixel of one channel, added to `sum`.
__device__ float add_of_box(const float* of_box, std::int64_t box, std::int64_t y, std::int64_t x,
                            const RoiAlignShape& shape, const RoiAlignScratch& scratch, float sum) {
  for (std::int64_t row = 0; row < shape.bins; ++row) {
    const float by_row = scratch.down[(box * shape.bins + row) * shape.height + y];
    if (by_row == 0) {
      continue;
    }
    for (std::int64_t column = 0; column < shape.bins; ++column) {
      const RoiRange xs = scratch.across_range[box * shape.bins + column];
      if (x >= xs.first && x < xs.end) {
        const float by_column = scratch.across[(box * shape.bins + column) * shape.width + x];
        sum += by_row * by_column * of_box[row * shape.bins + column];
      }
    }
  }
  return sum;
}

/// One thread a pixel of a channel.
__global__ void sum_pixels(const float* of_bins, const float* boxes, RoiAlignShape shape, RoiAlignScratch scratch,
                           float* of_features) {
  const std::int64_t count = shape.batch * shape.channels * shape.height * shape.width;
  for (std::int64_t i = first_of_thread(); i < count; i += threads_in_all()) {
    const std::int64_t x = i % shape.width;
    const std::int64_t y = i / shape.width % shape.height;
    const std::int64_t channel = i / (shape.width * shape.height) % shape.channels;
    const std::int64_t image = i / (shape.width * shape.height * shape.channels);
    float sum = 0;
    for (std::int64_t box = 0; box < shape.boxes; ++box) {
      if (static_cast<std::int64_t>(boxes[box * 5]) == image) {
        const float* of_box = of_bins + (box * shape.channels + channel) * shape.bins * shape.bins;
        sum = add_of_box(of_box, box, y, x, shape, scratch, sum);
      }
    }
    of_features[i] = sum;
  }
}

cudaError_t weigh_both_axes(const float* boxes, const RoiAlignShape& shape, const RoiAlignScratch& scratch,
                            cudaStream_t stream) {
  const std::size_t rows = static_cast<std::size_t>(shape.boxes * shape.bins) * sizeof(float);
  cudaError_t cleared = cudaMemsetAsync(scratch.down, 0, rows * static_cast<std::size_t>(shape.height), stream);
  if (cleared == cudaSuccess) {
    cleared = cudaMemsetAsync(scratch.across, 0, rows * static_cast<std::size_t>(shape.width), stream);
  }
  if (cleared != cudaSuccess) {
    return cleared;
  }
  const unsigned blocks = blocks_for(shape.boxes * shape.bins);
  weigh_axis<<<blocks, kThreads, 0, stream>>>(boxes, 2, shape, shape.height, scratch.down, scratch.down_range);
  weigh_axis<<<blocks, kThreads, 0, stream>>>(boxes, 1, shape, shape.width, scratch.across, scratch.across_range);
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_roi_align(const float* features, const float* boxes, const RoiAlignShape& shape,
                             const RoiAlignScratch& scratch, float* bins, cudaStream_t stream) {
  const cudaError_t weighed = weigh_both_axes(boxes, shape, scratch, stream);
  if (weighed != cudaSuccess) {
    return weighed;
  }
  const std::int64_t count = shape.boxes * shape.channels * shape.bins * shape.bins;
  sum_bins<<<blocks_for(count), kThreads, 0, stream>>>(features, boxes, shape, scratch, bins);
  return cudaGetLastError();
}

cudaError_t launch_roi_align_gradient(const float* of_bins, const float* boxes, const RoiAlignShape& shape,
                                      const RoiAlignScratch& scratch, float* of_features, cudaStream_t stream) {
  const cudaError_t weighed = weigh_both_axes(boxes, shape, scratch, stream);
  if (weighed != cudaSuccess) {
    return weighed;
  }
  const std::int64_t count = shape.batch * shape.channels * shape.height * shape.width;
  sum_pixels<<<blocks_for(count), kThreads, 0, stream>>>(of_bins, boxes, shape, scratch, of_features);
  return cudaGetLastError();
}

}  // namespace lockstep::nn
