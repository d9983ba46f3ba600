#include "lockstep/data/augmentation.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data {
namespace {

int rounded(double value) { return static_cast<int>(std::nearbyint(value)); }

media::Rect central_crop(const AugmentationOptions& options, media::ImageSize size) {
  const double ratio = static_cast<double>(size.width) / size.height;
  int width = size.width;
  int height = size.height;
  if (ratio < options.min_ratio) {
    height = std::clamp(rounded(width / options.min_ratio), 1, size.height);
  } else if (ratio > options.max_ratio) {
    width = std::clamp(rounded(height * options.max_ratio), 1, size.width);
  }
  return {(size.width - width) / 2, (size.height - height) / 2, width, height};
}

media::Rect random_crop(const AugmentationOptions& options, media::ImageSize size, RandomStream& random) {
  constexpr int kTries = 10;
  const double area = static_cast<double>(size.width) * size.height;
  for (int i = 0; i < kTries; ++i) {
    const double target = area * random.uniform(options.min_scale, options.max_scale);
    const double ratio = std::exp(random.uniform(std::log(options.min_ratio), std::log(options.max_ratio)));
    const int width = rounded(std::sqrt(target * ratio));
    const int height = rounded(std::sqrt(target / ratio));
    if (width > 0 && height > 0 && width <= size.width && height <= size.height) {
      const auto x = static_cast<int>(random.below(static_cast<std::uint64_t>(size.width - width + 1)));
      const auto y = static_cast<int>(random.below(static_cast<std::uint64_t>(size.height - height + 1)));
      return {x, y, width, height};
    }
  }
  return central_crop(options, size);
}

/// The least that a random crop measures along an axis of `side` pixels: where it has the least `ratio` of this axis to
/// the other one, or, where it would then not fit, where it takes all of the other one. Sides are rounded, so half a
/// pixel more than that still fits.
int smallest_side(double min_scale, int side, int other, double ratio) {
  const double area = min_scale * side * other;
  return rounded(std::max(std::sqrt(area * ratio), area / (other + 0.5)));
}

float colour_factor(double strength, RandomStream& random) {
  return static_cast<float>(random.uniform(1.0 - strength, 1.0 + strength));
}

void require(bool allowed, const char* name, const char* remedy) {
  if (!allowed) {
    throw UsageError(text("augmentation: ", name, " is out of range"), remedy);
  }
}

}  // namespace

void AugmentationOptions::validate() const {
  const auto is_part = [](double value) { return value >= 0.0 && value <= 1.0; };
  require(min_scale > 0.0 && min_scale <= max_scale && max_scale <= 1.0, "the scale of the crop",
          "give two numbers in (0, 1], the smaller first");
  require(min_ratio > 0.0 && min_ratio <= max_ratio && std::isfinite(max_ratio), "the ratio of the crop",
          "give two numbers above 0, the smaller first");
  require(is_part(flip_probability), "the probability of a flip", "give a number in [0, 1]");
  require(is_part(brightness) && is_part(contrast) && is_part(saturation), "the strength of a change of colour",
          "give a number in [0, 1]");
  require(hue >= 0.0 && hue <= 0.5, "the strength of a turn of the hue", "give a number in [0, 0.5]");
}

AugmentationPlan plan_augmentation(const AugmentationOptions& options, media::ImageSize size, RandomStream& random) {
  AugmentationPlan plan;
  plan.crop = random_crop(options, size, random);
  plan.flip = random.chance(options.flip_probability);
  plan.colours.brightness = colour_factor(options.brightness, random);
  plan.colours.contrast = colour_factor(options.contrast, random);
  plan.colours.saturation = colour_factor(options.saturation, random);
  plan.colours.hue = static_cast<float>(random.uniform(-options.hue, options.hue));
  return plan;
}

media::ImageSize smallest_crop(const AugmentationOptions& options, media::ImageSize size) {
  const media::Rect central = central_crop(options, size);
  const int width = smallest_side(options.min_scale, size.width, size.height, options.min_ratio);
  const int height = smallest_side(options.min_scale, size.height, size.width, 1 / options.max_ratio);
  return {std::clamp(width, 1, central.width), std::clamp(height, 1, central.height)};
}

}  // namespace lockstep::data
