#include "lockstep/data/finish_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/data/normalise.h"
#include "lockstep/media/resize.h"

namespace lockstep::data::finish_batch_test {
namespace {

std::vector<std::uint8_t> noise(std::size_t count) {
  RandomStream random({4, Purpose::kAugment, 0, 0, 0});
  std::vector<std::uint8_t> values(count);
  std::ranges::generate(values, [&random] { return static_cast<std::uint8_t>(random.below(256)); });
  return values;
}

/// (3, height, width) by the functions for one image, one after the other.
std::vector<float> finished(std::vector<std::uint8_t> pixels, const SampleFinish& sample, BatchShape shape) {
  media::Image image(shape.width, shape.height, 3);
  image.pixels = std::move(pixels);
  std::vector<std::uint8_t> flipped(image.pixels.size());
  media::resize(image, {0, 0, shape.width, shape.height}, shape.width, shape.height, sample.flip, flipped);
  change_colours(flipped, sample.colours);
  std::vector<float> planes(flipped.size());
  normalise(flipped, planes);
  return planes;
}

TEST(FinishBatch, EqualsTheFunctionsForOneImage) {
  const std::vector<SampleFinish> samples{{},
                                          {.flip = true},
                                          {.colours = {.brightness = 1.2F, .contrast = 0.7F, .saturation = 1.4F}},
                                          {.colours = {0.8F, 1.4F, 0.6F, 0.2F}, .flip = true},
                                          {.colours = {.hue = -0.1F}, .flip = true}};
  for (const int width : {37, 1024, 1100}) {  // within a tile, one, and more
    const BatchShape shape{static_cast<int>(samples.size()), 11, width};
    const std::size_t values = static_cast<std::size_t>(shape.height) * static_cast<std::size_t>(width) * 3;
    const std::vector<std::uint8_t> images = noise(samples.size() * values);
    std::vector<float> planes(images.size());
    finish_batch(images, samples, shape, planes);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto begin = static_cast<std::ptrdiff_t>(i * values);
      const auto end = begin + static_cast<std::ptrdiff_t>(values);
      const std::vector<float> expected = finished({images.begin() + begin, images.begin() + end}, samples[i], shape);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), planes.begin() + begin))
          << "sample " << i << ", width " << width;
    }
  }
}

TEST(FinishBatch, RefusesMemoryOfAnotherSize) {
  const std::vector<std::uint8_t> images(2 * 12);
  std::vector<float> planes(2 * 12);
  EXPECT_THROW(finish_batch(images, std::vector<SampleFinish>(1), {2, 2, 2}, planes), std::logic_error);
  EXPECT_THROW(finish_batch(images, std::vector<SampleFinish>(3), {3, 2, 2}, planes), std::logic_error);
}

}  // namespace
}  // namespace lockstep::data::finish_batch_test
