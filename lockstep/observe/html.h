#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace lockstep::observe {

/// Text as it may stand anywhere in HTML or SVG, in attributes too.
std::string escape_html(std::string_view text);

/// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

/// A number for people, of four significant digits; a dash where it is not finite.
std::string format_number(double value);

}  // namespace lockstep::observe
