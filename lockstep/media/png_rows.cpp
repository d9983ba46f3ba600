#include "lockstep/media/png_rows.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/simd.h"

namespace lockstep::media {
namespace {

/// Grey pixels out of packed ones; `levels` has those of each byte.
template <int kDepth>
void unpack(const std::array<std::array<std::uint8_t, 8>, 256>& levels, const std::uint8_t* row, int x, int width,
            std::uint8_t* pixels) {
  constexpr int kPerByte = 8 / kDepth;
  const int end = x + width;
  const auto copy_some = [&](int count) {
    const auto& byte = levels[row[x / kPerByte]];
    std::copy_n(byte.begin() + x % kPerByte, count, pixels);
    pixels += count;
    x += count;
  };
  if (x % kPerByte != 0) {
    copy_some(std::min(kPerByte - x % kPerByte, width));
  }
  for (; end - x >= kPerByte; x += kPerByte, pixels += kPerByte) {
    std::memcpy(pixels, levels[row[x / kPerByte]].data(), kPerByte);
  }
  if (x < end) {
    copy_some(end - x);
  }
}

/// Pixels of several bytes; kFrom includes the alpha channel that is dropped, kTo the padding.
template <int kFrom, int kTo>
[[gnu::always_inline]] inline void regroup_as(const std::uint8_t* row, int width, std::uint8_t* pixels) {
  constexpr bool kIsGrey = kFrom == 2;
  for (int x = 0; x < width; ++x) {
    const std::uint8_t red = row[x * kFrom];
    const std::uint8_t green = row[x * kFrom + (kIsGrey ? 0 : 1)];
    const std::uint8_t blue = row[x * kFrom + (kIsGrey ? 0 : 2)];
    if constexpr (kTo == 1) {
      pixels[x] = luma(red, green, blue);
    } else {
      pixels[x * kTo] = red;
      pixels[x * kTo + 1] = green;
      pixels[x * kTo + 2] = blue;
      if constexpr (kTo == 4) {
        pixels[x * kTo + 3] = 255;
      }
    }
  }
}

template <int kFrom>
[[gnu::always_inline]] inline void regroup_from(const std::uint8_t* row, int width, std::uint8_t* pixels, int to) {
  if (to == 1) {
    regroup_as<kFrom, 1>(row, width, pixels);
  } else if (to == 3) {
    regroup_as<kFrom, 3>(row, width, pixels);
  } else {
    regroup_as<kFrom, 4>(row, width, pixels);
  }
}

LOCKSTEP_SIMD void regroup(const std::uint8_t* __restrict row, int width, std::uint8_t* __restrict pixels, int from,
                           int to) {
  if (from == 2) {
    regroup_from<2>(row, width, pixels, to);
  } else if (from == 3) {
    regroup_from<3>(row, width, pixels, to);
  } else {
    regroup_from<4>(row, width, pixels, to);
  }
}

}  // namespace

PngRowConverter::PngRowConverter(const PngLayout& layout, std::span<const std::byte> palette, int channels)
    : layout_(layout), channels_(channels) {
  is_copy_ = layout.depth == 8 && layout.channels() == channels &&
             (layout.colour == PngColour::kGrey || layout.colour == PngColour::kRgb);
  if (!is_copy_ && layout.channels() == 1) {
    fill_tables(palette);
  }
}

void PngRowConverter::fill_tables(std::span<const std::byte> palette) {
  const int values = 1 << layout_.depth;
  for (int value = 0; value < values; ++value) {
    auto& colour = colours_[static_cast<std::size_t>(value)];
    colour[3] = 255;
    if (layout_.colour == PngColour::kGrey) {
      std::fill_n(colour.begin(), 3, static_cast<std::uint8_t>(value * 255 / (values - 1)));
    } else if (static_cast<std::size_t>(value) < palette.size() / 3) {
      std::memcpy(colour.data(), palette.data() + 3 * value, 3);
    }
  }
  for (std::size_t byte = 0; byte < levels_.size(); ++byte) {
    for (int i = 0; i < 8 / layout_.depth; ++i) {
      const std::size_t value = byte >> (8 - layout_.depth * (i + 1)) & static_cast<std::size_t>(values - 1);
      const auto& [red, green, blue, padding] = colours_[value];
      levels_[byte][static_cast<std::size_t>(i)] = luma(red, green, blue);
    }
  }
}

void PngRowConverter::convert(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const {
  const int channels = layout_.channels();
  const std::uint8_t* first = row + x * channels;
  if (is_copy_) {
    std::copy_n(first, width * channels, pixels);
  } else if (channels > 1) {
    regroup(first, width, pixels, channels, channels_);
  } else if (channels_ == 1) {
    look_up(row, x, width, pixels);
  } else {
    look_up_colours(row, x, width, pixels);
  }
}

void PngRowConverter::look_up(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const {
  switch (layout_.depth) {
    case 1:
      return unpack<1>(levels_, row, x, width, pixels);
    case 2:
      return unpack<2>(levels_, row, x, width, pixels);
    case 4:
      return unpack<4>(levels_, row, x, width, pixels);
    default:
      return unpack<8>(levels_, row, x, width, pixels);
  }
}

void PngRowConverter::look_up_colours(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const {
  const int per_byte = 8 / layout_.depth;
  const unsigned largest = (1U << layout_.depth) - 1;
  for (const int end = x + width; x < end; ++x, pixels += channels_) {
    const int shift = 8 - layout_.depth * (x % per_byte + 1);
    std::copy_n(colours_[row[x / per_byte] >> shift & largest].begin(), channels_, pixels);
  }
}

}  // namespace lockstep::media
