#include "lockstep/data/colour_arithmetic.h"
#include "lockstep/data/with_cuda/finish_batch.h"

namespace lockstep::data {
namespace {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr int kMostBlocksOfImage = 64;  // a few pixels a thread even of a small image
constexpr int kMostImagesOfLaunch = 65535;

__device__ Levels load_levels(const std::uint8_t* pixel) {
  return {static_cast<float>(pixel[0]), static_cast<float>(pixel[1]), static_cast<float>(pixel[2])};
}

/// The mean is taken in double as on the processor, then all is float.
__device__ ColourFactors factors_of(const ColourChange& change, unsigned long long grey_sum, std::size_t pixels) {
  const auto mean = static_cast<float>(static_cast<double>(grey_sum) / static_cast<double>(pixels));
  return {change.brightness, change.contrast,          (1.0F - change.contrast) * mean,
          change.saturation, 1.0F - change.saturation, 6.0F * change.hue};
}

/// Block (x, y) takes every gridDim.x-th run of pixels of image y. The sums are whole numbers, so that their order
/// does not matter.
__global__ void sum_greys(const std::uint8_t* images, const SampleFinish* samples, std::size_t pixels,
                          unsigned long long* sums) {
  const ColourChange change = samples[blockIdx.y].colours;
  if (change.contrast == 1.0F) {
    return;
  }
  const std::uint8_t* image = images + blockIdx.y * pixels * 3;
  unsigned long long sum = 0;
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < pixels; i += stride) {
    sum += static_cast<unsigned>(grey_of(change_brightness(load_levels(image + 3 * i), change.brightness)));
  }
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    sum += __shfl_down_sync(0xFFFFFFFFU, sum, static_cast<unsigned>(offset));
  }
  if (threadIdx.x % kWarp == 0) {
    atomicAdd(&sums[blockIdx.y], sum);
  }
}

__global__ void finish_pixels(const std::uint8_t* images, const SampleFinish* samples, int width, std::size_t pixels,
                              const unsigned long long* sums, float* planes) {
  const SampleFinish sample = samples[blockIdx.y];
  const ColourFactors factors = factors_of(sample.colours, sums[blockIdx.y], pixels);
  const Normalisation by;
  const std::uint8_t* image = images + blockIdx.y * pixels * 3;
  float* red = planes + blockIdx.y * pixels * 3;
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  const auto columns = static_cast<std::size_t>(width);
  for (std::size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < pixels; i += stride) {
    const std::size_t column = i % columns;
    const std::size_t from = sample.flip ? i - column + (columns - 1 - column) : i;
    Levels levels = change_pixel(load_levels(image + 3 * from), factors);
    if (factors.hue != 0.0F) {
      levels = turn_hue(levels, factors.hue);
    }
    red[i] = levels.red * by.scale[0] + by.offset[0];
    red[i + pixels] = levels.green * by.scale[1] + by.offset[1];
    red[i + 2 * pixels] = levels.blue * by.scale[2] + by.offset[2];
  }
}

}  // namespace
}  // namespace lockstep::data

extern "C" cudaError_t lockstep_finish_batch(const std::uint8_t* images, const lockstep::data::SampleFinish* samples,
                                             lockstep::data::BatchShape shape, unsigned long long* grey_sums,
                                             float* planes, cudaStream_t stream) {
  using namespace lockstep::data;
  if (shape.batch < 0 || shape.height < 1 || shape.width < 1) {
    return cudaErrorInvalidValue;
  }
  const std::size_t pixels = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(shape.width);
  const std::size_t runs = (pixels + kThreads - 1) / kThreads;
  const auto blocks = static_cast<unsigned>(runs < kMostBlocksOfImage ? runs : kMostBlocksOfImage);
  for (int begin = 0; begin < shape.batch; begin += kMostImagesOfLaunch) {
    const int left = shape.batch - begin;
    const int count = left < kMostImagesOfLaunch ? left : kMostImagesOfLaunch;
    const dim3 grid(blocks, static_cast<unsigned>(count));
    const std::size_t offset = static_cast<std::size_t>(begin) * pixels * 3;
    const cudaError_t cleared =
        cudaMemsetAsync(grey_sums + begin, 0, static_cast<std::size_t>(count) * sizeof(*grey_sums), stream);
    if (cleared != cudaSuccess) {
      return cleared;
    }
    sum_greys<<<grid, kThreads, 0, stream>>>(images + offset, samples + begin, pixels, grey_sums + begin);
    finish_pixels<<<grid, kThreads, 0, stream>>>(images + offset, samples + begin, shape.width, pixels,
                                                 grey_sums + begin, planes + offset);
  }
  return cudaGetLastError();
}
