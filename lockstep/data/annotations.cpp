#include "lockstep/data/annotations.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/limits.h"

namespace lockstep::data {

std::string checked_name(const std::string& name, const std::string& place) {
  constexpr std::size_t kLongest = 255;
  constexpr const char* kBlanks = " \t\r\n";
  const std::size_t first = name.find_first_not_of(kBlanks);
  if (first == std::string::npos) {
    throw DataError(place + " is empty", "give it a name");
  }
  const std::string trimmed = name.substr(first, name.find_last_not_of(kBlanks) - first + 1);
  const bool has_controls =
      std::any_of(trimmed.begin(), trimmed.end(), [](unsigned char letter) { return letter < 0x20 || letter == 0x7f; });
  if (has_controls || trimmed.size() > kLongest) {
    throw DataError(text(place, has_controls ? " has control characters in it" : " is longer than 255 bytes"),
                    "give it a plain name");
  }
  return trimmed;
}

bool is_coordinate(double number) { return std::isfinite(number) && std::abs(number) <= kFarthest; }

DataError no_coordinate(const std::string& place, const std::string& words) {
  return {text(place, " is '", words, "', which is no place in an image"), "give pixels, or remove the annotation"};
}

media::ImageSize checked_size(double width, double height, const std::string& place) {
  if (width == 0 || height == 0) {
    return {};
  }
  const auto is_side = [](double side) {
    return side >= 1 && side <= media::kMaxDimension && side == std::floor(side);
  };
  if (!is_side(width) || !is_side(height) ||
      !media::is_within_limits(static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height))) {
    throw DataError(text(place, " is ", width, "x", height, ", which no image has"),
                    "give the size of the image in pixels, or leave it out");
  }
  return {static_cast<int>(width), static_cast<int>(height)};
}

}  // namespace lockstep::data
