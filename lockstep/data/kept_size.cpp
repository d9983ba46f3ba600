#include "lockstep/data/kept_size.h"

#include <algorithm>
#include <cstdint>

#include "lockstep/media/decode.h"

namespace lockstep::data {
namespace {

/// What is scaled to be kept is scaled once more when it is cut, which softens it. With this many times the pixels that
/// a crop needs, each way, the pictures differ by few grey levels from those that are scaled once.
constexpr int kSpareDetail = 2;

/// Scaling costs sharpness: it must make the sides at least this much shorter.
constexpr double kWorthScaling = 0.8;

/// The side that leaves `needed` of the `smallest` pixels that a crop of it has.
int sufficient(int length, int smallest, int needed) {
  return static_cast<int>((static_cast<std::int64_t>(length) * needed + smallest - 1) / smallest);
}

}  // namespace

int decode_denominator(media::ImageSize smallest_crop, int side) {
  const int least = std::min(smallest_crop.width, smallest_crop.height);
  for (const int denominator : {8, 4, 2}) {
    if (least / denominator >= side) {
      return denominator;
    }
  }
  return 1;
}

KeptPlan plan_kept(media::ImageSize size, media::ImageSize smallest_crop, int side, bool is_reducible) {
  const int denominator = is_reducible ? decode_denominator(smallest_crop, side) : 1;
  const media::ImageSize decoded = media::reduced(size, denominator);
  const media::ImageSize enough{sufficient(size.width, smallest_crop.width, side * kSpareDetail),
                                sufficient(size.height, smallest_crop.height, side * kSpareDetail)};
  const bool is_worth_scaling =
      enough.width <= kWorthScaling * decoded.width && enough.height <= kWorthScaling * decoded.height;
  return {denominator, is_worth_scaling ? enough : decoded};
}

KeptPlan plan_kept_whole(media::ImageSize size, int side, bool is_reducible) {
  if (size.width < side || size.height < side) {
    return {1, size};
  }
  return {is_reducible ? decode_denominator(size, side) : 1, {side, side}};
}

}  // namespace lockstep::data
