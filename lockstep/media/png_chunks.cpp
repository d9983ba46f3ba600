#include "lockstep/media/png_chunks.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>

#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

constexpr std::size_t kSignatureBytes = 8;

constexpr std::uint32_t chunk_type(const char (&name)[5]) {
  std::uint32_t type = 0;
  for (int i = 0; i < 4; ++i) {
    type = type << 8 | static_cast<std::uint8_t>(name[i]);
  }
  return type;
}

std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[offset + i]);
  }
  return value;
}

struct PngChunk {
  std::uint32_t type = 0;
  std::span<const std::byte> data{};
  std::span<const std::byte> checked{};  ///< the type and the data
  std::uint32_t checksum = 0;

  bool is_sound() const { return libdeflate_crc32(0, checked.data(), checked.size()) == checksum; }

  /// Whether all four bytes of the type are letters.
  bool has_name() const {
    return std::all_of(checked.begin(), checked.begin() + 4, [](std::byte byte) {
      const auto letter = std::to_integer<unsigned>(byte) | 0x20U;
      return letter >= 'a' && letter <= 'z';
    });
  }

  /// A chunk that may be passed over by who does not know it: its first letter is small.
  bool is_ancillary() const { return (type & 0x20000000U) != 0; }
};

/// Takes the next chunk off the front of the bytes that are left; nothing where there is no whole one.
std::optional<PngChunk> take_chunk(std::span<const std::byte>& rest) {
  constexpr std::size_t kFrameBytes = 12;  // length, type, check sum
  if (rest.size() < kFrameBytes) {
    return std::nullopt;
  }
  const std::size_t length = big_endian(rest, 0);
  if (length > rest.size() - kFrameBytes) {
    return std::nullopt;
  }
  PngChunk chunk{big_endian(rest, 4), rest.subspan(8, length), rest.subspan(4, length + 4),
                 big_endian(rest, length + 8)};
  rest = rest.subspan(length + kFrameBytes);
  return chunk.has_name() ? std::optional(chunk) : std::nullopt;
}

bool is_simple(PngColour colour, int depth) {
  switch (colour) {
    case PngColour::kGrey:
    case PngColour::kPalette:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case PngColour::kRgb:
    case PngColour::kGreyAlpha:
    case PngColour::kRgbAlpha:
      return depth == 8;
  }
  return false;
}

/// The layout in the header chunk, if it is that of a simple PNG within the limits.
std::optional<PngLayout> simple_layout(const std::optional<PngChunk>& chunk) {
  if (!chunk || chunk->type != chunk_type("IHDR") || chunk->data.size() != 13 || !chunk->is_sound()) {
    return std::nullopt;
  }
  const std::span<const std::byte> data = chunk->data;
  const std::uint32_t width = big_endian(data, 0);
  const std::uint32_t height = big_endian(data, 4);
  const int depth = std::to_integer<int>(data[8]);
  const auto colour = static_cast<PngColour>(data[9]);
  const bool is_plain =
      std::all_of(data.begin() + 10, data.end(), [](std::byte method) { return method == std::byte{}; });
  if (width == 0 || height == 0 || !is_within_limits(width, height) || !is_plain || !is_simple(colour, depth)) {
    return std::nullopt;
  }
  return PngLayout{static_cast<int>(width), static_cast<int>(height), depth, colour};
}

bool is_palette_of(const PngLayout& layout, std::span<const std::byte> palette) {
  return layout.colour == PngColour::kPalette && !palette.empty() && palette.size() % 3 == 0 &&
         palette.size() <= std::size_t{3} << layout.depth;
}

/// Puts the pieces of the compressed stream together. One piece stays where it is.
class JoinedStream {
 public:
  explicit JoinedStream(std::vector<std::byte>& joined) : joined_(joined) { joined_.clear(); }

  void add(std::span<const std::byte> piece) {
    if (pieces_++ == 0) {
      first_ = piece;
      return;
    }
    if (pieces_ == 2) {
      joined_.assign(first_.begin(), first_.end());
    }
    joined_.insert(joined_.end(), piece.begin(), piece.end());
  }

  bool is_empty() const { return pieces_ == 0; }
  std::span<const std::byte> bytes() const { return pieces_ < 2 ? first_ : std::span<const std::byte>(joined_); }

 private:
  std::vector<std::byte>& joined_;
  std::span<const std::byte> first_{};
  std::size_t pieces_ = 0;
};

/// Goes through the chunks behind the header. False at anything that is not simple, or wrong.
bool find_parts(std::span<const std::byte> rest, std::vector<std::byte>& joined, SimplePng& png) {
  JoinedStream stream(joined);
  std::uint32_t before = chunk_type("IHDR");
  while (const std::optional<PngChunk> chunk = take_chunk(rest)) {
    const std::uint32_t type = chunk->type;
    if (type == chunk_type("tRNS") || (!chunk->is_ancillary() && !chunk->is_sound())) {
      return false;
    }
    if (type == chunk_type("IEND")) {
      png.compressed = stream.bytes();
      return chunk->data.empty() && !stream.is_empty();
    }
    if (type == chunk_type("IDAT") && (stream.is_empty() || before == type)) {
      stream.add(chunk->data);
    } else if (type == chunk_type("PLTE") && stream.is_empty() && png.palette.empty() &&
               is_palette_of(png.layout, chunk->data)) {
      png.palette = chunk->data;
    } else if (!chunk->is_ancillary()) {
      return false;
    }
    before = type;
  }
  return false;
}

}  // namespace

int PngLayout::channels() const {
  switch (colour) {
    case PngColour::kGrey:
    case PngColour::kPalette:
      return 1;
    case PngColour::kGreyAlpha:
      return 2;
    case PngColour::kRgb:
      return 3;
    case PngColour::kRgbAlpha:
      return 4;
  }
  return 0;
}

std::size_t PngLayout::row_bytes() const {
  return (static_cast<std::size_t>(width) * static_cast<std::size_t>(channels() * depth) + 7) / 8;
}

std::optional<SimplePng> find_simple_png(std::span<const std::byte> bytes, std::vector<std::byte>& joined) {
  if (bytes.size() < kSignatureBytes) {
    return std::nullopt;
  }
  std::span<const std::byte> rest = bytes.subspan(kSignatureBytes);
  const std::optional<PngLayout> layout = simple_layout(take_chunk(rest));
  if (!layout) {
    return std::nullopt;
  }
  SimplePng png{*layout};
  const bool found = find_parts(rest, joined, png);
  const bool has_colours = layout->colour != PngColour::kPalette || !png.palette.empty();
  if (!found || !has_colours ||
      is_too_short(png.compressed.size(), layout->row_bytes() * static_cast<std::size_t>(layout->height))) {
    return std::nullopt;
  }
  return png;
}

}  // namespace lockstep::media
