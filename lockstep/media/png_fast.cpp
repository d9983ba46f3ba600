#include "lockstep/media/png_fast.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "lockstep/base/reuse.h"
#include "lockstep/media/decode_request.h"
#include "lockstep/media/png_chunks.h"
#include "lockstep/media/png_rows.h"
#include "lockstep/media/png_unfilter.h"

namespace lockstep::media {
namespace {

/// Larger images go row by row through libpng, so that the memory which each thread keeps is bounded.
constexpr std::size_t kMaxInflatedBytes = std::size_t{64} << 20;

using Decompressor = std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

/// What a thread keeps from image to image.
struct PngWorkspace {
  std::vector<std::byte> joined;
  std::vector<std::uint8_t> rows;  // zeros as the row above the first, then each row behind its filter's number
  Decompressor decompressor{libdeflate_alloc_decompressor(), &libdeflate_free_decompressor};
};

/// Whether the stream's window, as its first byte has it, holds all distances that libdeflate would follow.
bool has_large_window(std::span<const std::byte> stream, std::size_t inflated_bytes) {
  constexpr std::size_t kLargestWindow = 32768;
  return !stream.empty() &&
         std::size_t{256} << (std::to_integer<unsigned>(stream[0]) >> 4) >= std::min(inflated_bytes, kLargestWindow);
}

/// Fills `workspace.rows`. False where the stream is damaged, or does not give just the rows of the image.
bool inflate(const SimplePng& png, PngWorkspace& workspace) {
  const std::size_t row_bytes = png.layout.row_bytes();
  const std::size_t inflated_bytes = (row_bytes + 1) * static_cast<std::size_t>(png.layout.height);
  if (inflated_bytes > kMaxInflatedBytes || !has_large_window(png.compressed, inflated_bytes)) {
    return false;
  }
  if (workspace.decompressor == nullptr) {
    throw std::bad_alloc();
  }
  resize_for_reuse(workspace.rows, std::max(workspace.rows.size(), row_bytes + inflated_bytes + kUnfilterPadding));
  std::fill_n(workspace.rows.begin(), row_bytes, std::uint8_t{0});
  return libdeflate_zlib_decompress(workspace.decompressor.get(), png.compressed.data(), png.compressed.size(),
                                    workspace.rows.data() + row_bytes, inflated_bytes, nullptr) == LIBDEFLATE_SUCCESS;
}

/// Undoes the filters of the rows before `end`. False where one of all rows has a filter that does not exist.
bool unfilter(const PngLayout& layout, std::vector<std::uint8_t>& rows, int end) {
  const std::size_t row_bytes = layout.row_bytes();
  const int pixel_bytes = std::max(1, layout.channels() * layout.depth / 8);
  std::uint8_t* above = rows.data();
  for (int y = 0; y < layout.height; ++y, above += row_bytes + 1) {
    const std::uint8_t filter = above[row_bytes];
    std::uint8_t* row = above + row_bytes + 1;
    if (y < end ? !unfilter_row(filter, above, row, row_bytes, pixel_bytes) : !is_png_filter(filter)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool decode_png_fast(std::span<const std::byte> bytes, const DecodeRequest& request, Image& image) {
  thread_local PngWorkspace workspace;
  const std::optional<SimplePng> png = find_simple_png(bytes, workspace.joined);
  if (!png || !inflate(*png, workspace)) {
    return false;
  }
  const PngLayout& layout = png->layout;
  const Rect part = requested_part(request, {layout.width, layout.height});
  if (!unfilter(layout, workspace.rows, part.y + part.height)) {
    return false;
  }
  reshape(image, {part.width, part.height}, requested_channels(request));
  const PngRowConverter converter(layout, png->palette, image.channels);
  const std::size_t row_bytes = layout.row_bytes();
  for (int y = 0; y < part.height; ++y) {
    const std::uint8_t* row =
        workspace.rows.data() + row_bytes + 1 + static_cast<std::size_t>(part.y + y) * (row_bytes + 1);
    converter.convert(row, part.x, part.width, image.row(y));
  }
  return true;
}

}  // namespace lockstep::media
