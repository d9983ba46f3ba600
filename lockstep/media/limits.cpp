#include "lockstep/media/limits.h"

#include "lockstep/base/text.h"

namespace lockstep::media {

bool is_within_limits(std::uint32_t width, std::uint32_t height) {
  const auto pixels = static_cast<std::uint64_t>(width) * height;
  return width <= kMaxDimension && height <= kMaxDimension && pixels <= static_cast<std::uint64_t>(kMaxPixels);
}

void check_size(std::uint32_t width, std::uint32_t height, const std::string& name) {
  if (!is_within_limits(width, height)) {
    throw DataError(text(name, " claims to be absurdly large: ", width, " x ", height, " pixels"),
                    text("scale it down or cut it into tiles (at most ", kMaxPixels / 1'000'000,
                         " million pixels, no side above ", kMaxDimension, "), or remove it"));
  }
}

DataError unreadable(const std::string& format, const std::string& detail, const std::string& name) {
  return {
      text(name, " cannot be decoded as ", format, " (", detail, ")"),
      "it is truncated, garbled or of an unsupported kind: copy it again from its source, convert it, or remove it"};
}

}  // namespace lockstep::media
