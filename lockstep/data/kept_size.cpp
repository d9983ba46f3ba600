#include "lockstep/data/kept_size.h"

#include <algorithm>
#include <bit>
#include <cstdint>

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

/// The fewest eighths that leave a crop of this size `side` pixels each way; all of them where it has fewer already.
int fewest_eighths(media::ImageSize crop, int side) {
  return std::min(sufficient(media::kFullSize, std::min(crop.width, crop.height), side), media::kFullSize);
}

}  // namespace

int quick_eighths(media::ImageSize smallest_crop, int side) {
  const int fewest = fewest_eighths(smallest_crop, side);
  return static_cast<int>(std::bit_ceil(static_cast<unsigned>(fewest)));
}

KeptPlan plan_kept(media::ImageSize size, media::ImageSize smallest_crop, int side, bool is_reducible) {
  const int eighths = is_reducible ? fewest_eighths(smallest_crop, side) : media::kFullSize;
  const media::ImageSize decoded = media::reduced(size, eighths);
  const media::ImageSize enough{sufficient(size.width, smallest_crop.width, side * kSpareDetail),
                                sufficient(size.height, smallest_crop.height, side * kSpareDetail)};
  const bool is_worth_scaling =
      enough.width <= kWorthScaling * decoded.width && enough.height <= kWorthScaling * decoded.height;
  return {eighths, is_worth_scaling ? enough : decoded};
}

KeptPlan plan_kept_whole(media::ImageSize size, int side, bool is_reducible) {
  if (size.width < side || size.height < side) {
    return {media::kFullSize, size};
  }
  return {is_reducible ? quick_eighths(size, side) : media::kFullSize, {side, side}};
}

}  // namespace lockstep::data
