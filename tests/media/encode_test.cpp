#include "lockstep/media/encode.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "lockstep/media/decode.h"

namespace lockstep::media::encode_test {
namespace {

/// Brightness that changes slowly, which JPEG keeps well.
Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.at(x, y)[c] = static_cast<std::uint8_t>(30 + 2 * x + 3 * y);
      }
    }
  }
  return image;
}

TEST(EncodePng, KeepsEveryPixel) {
  for (const int channels : {1, 3}) {
    const Image image = gradient(31, 17, channels);
    const ColorMode mode = channels == 1 ? ColorMode::kGrey : ColorMode::kRgb;
    const Image again = decode_image(encode_png(image), mode, "encoded");
    EXPECT_EQ(again.size(), image.size());
    EXPECT_EQ(again.pixels, image.pixels);
  }
}

TEST(EncodeJpeg, KeepsTheImageNearlyAtHighQuality) {
  for (const int channels : {1, 3}) {
    const Image image = gradient(31, 17, channels);
    const ColorMode mode = channels == 1 ? ColorMode::kGrey : ColorMode::kRgb;
    const Image again = decode_image(encode_jpeg(image, 95), mode, "encoded");
    ASSERT_EQ(again.size(), image.size());
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      ASSERT_LE(std::abs(again.pixels[i] - image.pixels[i]), 6) << "value " << i;
    }
  }
}

TEST(EncodeJpeg, IsSmallerAtLowerQuality) {
  const Image image = gradient(64, 48, 3);
  EXPECT_LT(encode_jpeg(image, 20).size(), encode_jpeg(image, 95).size());
}

TEST(Encode, RefusesAnImageWithoutPixels) {
  EXPECT_THROW(encode_png(Image()), std::logic_error);
  EXPECT_THROW(encode_jpeg(Image(), 90), std::logic_error);
}

}  // namespace
}  // namespace lockstep::media::encode_test
