#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lockstep/media/decode.h"
#include "lockstep/media/png_chunks.h"

namespace lockstep::media {

/// Turns the unfiltered rows of a PNG into the pixels of a request: grey (1 channel), RGB (3), or RGB and 255 (4).
/// Alpha is dropped, colour becomes grey by `luma`, few bits are spread over 0 … 255; an index beyond the palette is
/// black. Takes layouts of at most 8 bits a value.
class PngRowConverter {
 public:
  PngRowConverter(const PngLayout& layout, std::span<const std::byte> palette, int channels);

  /// Writes the pixels x … x + width - 1 of a row.
  void convert(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const;

 private:
  void fill_tables(std::span<const std::byte> palette);
  void look_up(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const;
  void look_up_colours(const std::uint8_t* row, int x, int width, std::uint8_t* pixels) const;

  PngLayout layout_;
  int channels_;
  bool is_copy_;                                            // the row holds the pixels as they are wanted
  std::array<std::array<std::uint8_t, 4>, 256> colours_{};  // of an index, or of a grey level as it is stored
  std::array<std::array<std::uint8_t, 8>, 256> levels_{};   // the grey pixels in a byte, from left to right
};

}  // namespace lockstep::media
