#include "lockstep/data/episode_views.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/work_meter.h"
#include "lockstep/data/boxed_view.h"
#include "lockstep/data/kept_size.h"
#include "lockstep/media/resize.h"

namespace lockstep::data {
namespace {

constexpr int kSpareDetail = 4;  // a support is decoded with this many times the pixels that it gets, each way

int eighths_for(const SourceImage& source, int length, int needed) {
  return source.is_reducible() ? quick_eighths({length, length}, needed) : media::kFullSize;
}

media::Box box_of(const media::Rect& rect) {
  return {static_cast<double>(rect.x), static_cast<double>(rect.y), static_cast<double>(rect.width),
          static_cast<double>(rect.height)};
}

/// The square that a support shows, in whole pixels.
media::Rect square_around(const ObjectBox& box, const SupportView& view) {
  const double side = std::max(1.0, std::round(view.context * std::max(box.x1 - box.x0, box.y1 - box.y0)));
  const auto begin = [side](double from, double to, double shift) {
    return static_cast<int>(std::lround((from + to - side) / 2 + shift * side));
  };
  return {begin(box.x0, box.x1, view.shift_x), begin(box.y0, box.y1, view.shift_y), static_cast<int>(side),
          static_cast<int>(side)};
}

/// The square grown until it begins and ends with pixels of a picture of which one is `step` pixels wide.
media::Rect on_grid(const media::Rect& square, int step) {
  const auto below = [step](int place) { return place - ((place % step) + step) % step; };
  const int x = below(square.x);
  const int y = below(square.y);
  const int end = std::max(square.x + square.width - x, square.y + square.height - y);
  const int side = below(end + step - 1);
  return {x, y, side, side};
}

media::Rect inside_of(const media::Rect& square, media::ImageSize size) {
  const int left = std::max(square.x, 0);
  const int top = std::max(square.y, 0);
  return {left, top, std::min(square.x + square.width, size.width) - left,
          std::min(square.y + square.height, size.height) - top};
}

/// The part of a picture in a grey square of `side` pixels, its upper left pixel at (left, top).
void put_on_grey(const media::ImageView& part, int left, int top, int side, media::Image& canvas) {
  reshape(canvas, {side, side}, part.channels);
  std::ranges::fill(canvas.pixels, kOutsideGrey);
  const auto row_bytes =
      static_cast<std::size_t>(std::min(part.width, side - left)) * static_cast<std::size_t>(part.channels);
  for (int y = 0; y < std::min(part.height, side - top); ++y) {
    std::copy_n(part.row(y), row_bytes, canvas.at(left, top + y));
  }
}

media::Box scaled(const ObjectBox& box, const media::Rect& square, int size) {
  const double scale = static_cast<double>(size) / square.width;
  return {(box.x0 - square.x) * scale, (box.y0 - square.y) * scale, (box.x1 - box.x0) * scale,
          (box.y1 - box.y0) * scale};
}

}  // namespace

media::Box load_support(SourceImage& source, const ObjectBox& box, const SupportView& view, int size,
                        std::span<std::uint8_t> pixels) {
  const media::Rect exact = square_around(box, view);
  const int eighths = eighths_for(source, exact.width, kSpareDetail * size);
  const int step = media::kFullSize / eighths;
  const media::Rect square = on_grid(exact, step);
  const media::Rect inside = inside_of(square, source.size());
  const BoxedView part = source.decode_colours(box_of(inside), eighths, /*padded=*/true);
  const WorkScope work("resize");
  if (inside.width == square.width && inside.height == square.height) {
    media::resize(part.pixels, part.box, size, size, /*flip_horizontally=*/false, pixels);
  } else {
    thread_local media::Image canvas;
    put_on_grey(part.pixels, (inside.x - square.x) / step, (inside.y - square.y) / step, square.width / step, canvas);
    media::resize(view_of(canvas), whole_box(canvas.size()), size, size, /*flip_horizontally=*/false, pixels);
  }
  return scaled(box, square, size);
}

QueryPlace load_query(SourceImage& source, const media::Rect& crop, int side, std::span<std::uint8_t> pixels) {
  const int longest = std::max(crop.width, crop.height);
  const auto fitted = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * side / longest)));
  };
  const int width = fitted(crop.width);
  const int height = fitted(crop.height);
  const BoxedView part = source.decode_colours(box_of(crop), eighths_for(source, longest, side), /*padded=*/true);
  const WorkScope work("resize");
  const auto bytes = [](int rows, int columns) {
    return std::size_t{3} * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  };
  std::ranges::fill(pixels, kOutsideGrey);
  if (width == side) {
    media::resize(part.pixels, part.box, width, height, /*flip_horizontally=*/false,
                  pixels.first(bytes(height, width)));
  } else {
    thread_local media::Image narrow;
    reshape(narrow, {width, height}, 3);
    media::resize(part.pixels, part.box, width, height, /*flip_horizontally=*/false, narrow.pixels);
    for (int y = 0; y < height; ++y) {
      std::copy_n(narrow.row(y), narrow.row_bytes(), pixels.subspan(bytes(y, side)).begin());
    }
  }
  const double scale_x = static_cast<double>(width) / crop.width;
  const double scale_y = static_cast<double>(height) / crop.height;
  return {.scale_x = static_cast<float>(scale_x),
          .scale_y = static_cast<float>(scale_y),
          .offset_x = static_cast<float>(-crop.x * scale_x),
          .offset_y = static_cast<float>(-crop.y * scale_y)};
}

}  // namespace lockstep::data
