#include "lockstep/data/normalise.h"

#include <array>
#include <cstddef>

#include "lockstep/base/error.h"

namespace lockstep::data {

void normalise(std::span<const std::uint8_t> pixels, std::span<float> planes) {
  constexpr std::size_t kChannels = 3;
  constexpr std::array<float, kChannels> kMean{0.485F, 0.456F, 0.406F};
  constexpr std::array<float, kChannels> kDeviation{0.229F, 0.224F, 0.225F};
  LOCKSTEP_ASSERT(pixels.size() == planes.size() && pixels.size() % kChannels == 0, "planes of another size");
  const std::size_t count = pixels.size() / kChannels;
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    const float factor = 1.0F / (255.0F * kDeviation[channel]);
    const float offset = kMean[channel] / kDeviation[channel];
    float* plane = planes.data() + channel * count;
    const std::uint8_t* levels = pixels.data() + channel;
    for (std::size_t i = 0; i < count; ++i) {
      plane[i] = static_cast<float>(levels[kChannels * i]) * factor - offset;
    }
  }
}

}  // namespace lockstep::data
