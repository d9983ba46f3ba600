#pragma once

#include <string>

#include "lockstep/media/image.h"

namespace lockstep::media {

/// The built-in font, for captions: ASCII, every character of the same width; others show as a question mark. Sizes are
/// in pixels at scale 1.
inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphAdvance = 6;
inline constexpr int kGlyphHeight = 8;

/// The width of a line in pixels.
int text_width(const std::string& line, int scale);

/// The line, or as much of it with ".." behind as fits the width in pixels.
std::string fit_text(const std::string& line, int width, int scale);

/// Draws a line on an RGB image, each pixel of the font `scale` pixels wide; what lies outside of the image is cut off.
void draw_text(Image& image, int left, int top, const std::string& line, int scale, Colour colour);

}  // namespace lockstep::media
