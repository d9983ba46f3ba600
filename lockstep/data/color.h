#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::data {

/// The changes of one sample's colours, in this order.
struct ColourChange {
  float brightness = 1.0F;
  float contrast = 1.0F;
  float saturation = 1.0F;
  float hue = 0.0F;  ///< in turns, -0.5 to 0.5

  bool operator==(const ColourChange&) const = default;
};

/// All of them, in place on (pixels, 3) uint8: the bits of the functions below, one after the other, in two passes (one
/// if the contrast stays as it is).
void change_colours(std::span<std::uint8_t> pixels, const ColourChange& change);

// Changes of colour in place, on pixels of red, green, blue: (pixels, 3) uint8. A factor of 1 changes nothing. The same
// formulas and rounding as torchvision.transforms.functional.adjust_* on uint8 tensors.

/// Factor 0 gives black.
void adjust_brightness(std::span<std::uint8_t> pixels, float factor);

/// Factor 0 gives the mean grey of the image.
void adjust_contrast(std::span<std::uint8_t> pixels, float factor);

/// Factor 0 gives a grey image.
void adjust_saturation(std::span<std::uint8_t> pixels, float factor);

/// Turns red towards green (by a third of a turn: into it), or towards blue if negative. turns: -0.5 to 0.5; 0 changes
/// nothing. Within one level of torchvision, which computes it in the range 0 to 1.
void adjust_hue(std::span<std::uint8_t> pixels, float turns);

}  // namespace lockstep::data
