#pragma once

// The arithmetic of one pixel, the same on the processor (pixel_tile.cpp) and on the GPU (with_cuda/finish_batch.cu).
// Levels are whole numbers, 0 to 255, held as floats. No product may be fused into an addition (-ffp-contract=off,
// nvcc -fmad=false): then both give the same bits.

#include <cmath>

#ifdef __CUDACC__
#define LOCKSTEP_EITHER_SIDE __host__ __device__ inline
#else
#define LOCKSTEP_EITHER_SIDE inline
#endif

namespace lockstep::data {

struct Levels {
  float red;
  float green;
  float blue;
};

/// What one image's changes come to, once the mean of its greys is known.
struct ColourFactors {
  float brightness;
  float contrast;
  float mean_share;  ///< of the mean grey after the change of brightness
  float saturation;
  float grey_share;
  float hue;  ///< in sixths of a turn, -3 to 3
};

LOCKSTEP_EITHER_SIDE float smaller(float a, float b) { return a < b ? a : b; }
LOCKSTEP_EITHER_SIDE float larger(float a, float b) { return a < b ? b : a; }

/// torchvision cuts off the fraction rather than rounding it.
LOCKSTEP_EITHER_SIDE float to_level(float value) { return truncf(smaller(larger(value, 0.0F), 255.0F)); }

LOCKSTEP_EITHER_SIDE float grey_of(Levels pixel) {
  return truncf(0.2989F * pixel.red + 0.587F * pixel.green + 0.114F * pixel.blue);
}

/// factor: 0 or more.
LOCKSTEP_EITHER_SIDE float brighten(float level, float factor) { return truncf(smaller(factor * level, 255.0F)); }

LOCKSTEP_EITHER_SIDE Levels change_brightness(Levels pixel, float factor) {
  return {brighten(pixel.red, factor), brighten(pixel.green, factor), brighten(pixel.blue, factor)};
}

/// factor * pixel + other, which is the same for all three levels.
LOCKSTEP_EITHER_SIDE Levels blend(Levels pixel, float factor, float other) {
  return {to_level(factor * pixel.red + other), to_level(factor * pixel.green + other),
          to_level(factor * pixel.blue + other)};
}

/// One level of a hue: `position` in sixths of a turn from where this level is at its lowest slope, 0 to 12.
LOCKSTEP_EITHER_SIDE float level_of_hue(float position, float highest, float range) {
  const float k = position < 6.0F ? position : position - 6.0F;
  const float depth = smaller(larger(smaller(k, 4.0F - k), 0.0F), 1.0F);
  return truncf((highest - range * depth) * (255.999F / 255.0F));
}

/// Turns the hue, keeping the highest and the lowest of the levels. Hue and levels by the formulas of
/// https://en.wikipedia.org/wiki/HSL_and_HSV, which come to those of torchvision's adjust_hue.
LOCKSTEP_EITHER_SIDE Levels turn_hue(Levels pixel, float sixths) {
  const float highest = larger(larger(pixel.red, pixel.green), pixel.blue);
  const float range = highest - smaller(smaller(pixel.red, pixel.green), pixel.blue);
  const bool red = highest == pixel.red;
  const bool green = highest == pixel.green;
  const float difference = red ? pixel.green - pixel.blue : (green ? pixel.blue - pixel.red : pixel.red - pixel.green);
  const float from = red ? 0.0F : (green ? 2.0F : 4.0F);
  float hue = from + difference / larger(range, 1.0F) + sixths;
  hue = hue < 0.0F ? hue + 6.0F : hue;
  hue = hue < 6.0F ? hue : hue - 6.0F;
  return {level_of_hue(hue + 5.0F, highest, range), level_of_hue(hue + 3.0F, highest, range),
          level_of_hue(hue + 1.0F, highest, range)};
}

/// All but the hue.
LOCKSTEP_EITHER_SIDE Levels change_pixel(Levels pixel, const ColourFactors& factors) {
  pixel = change_brightness(pixel, factors.brightness);
  pixel = blend(pixel, factors.contrast, factors.mean_share);
  return blend(pixel, factors.saturation, factors.grey_share * grey_of(pixel));
}

// Mean and deviation of ImageNet's photographs, as torchvision's models take them.
struct Normalisation {
  float scale[3] = {1.0F / (255 * 0.229F), 1.0F / (255 * 0.224F), 1.0F / (255 * 0.225F)};
  float offset[3] = {-0.485F / 0.229F, -0.456F / 0.224F, -0.406F / 0.225F};
};

}  // namespace lockstep::data
