#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lockstep::observe {

/// A curve. Where `y` is not finite the curve has a gap.
struct Series {
  std::string name;
  std::vector<double> x;  ///< ascending, from 0 on: the axis starts at 0
  std::vector<double> y;  ///< as many as x
  std::size_t color = 0;  ///< which of the colours c0 … c8 of the page's style
  bool faint = false;     ///< for what stands behind the curve that is meant, such as the loss before smoothing
};

struct Chart {
  std::string title;
  std::string x_label;
  std::vector<Series> series;
};

/// How far apart about `count` marks of an axis from `low` to `high` stand: 1, 2 or 5 times a power of ten.
double tick_distance(double low, double high, int count);

/// The series with at most `points` points: each is the mean of its neighbours; those that are not finite do not count.
Series thin_out(const Series& series, std::size_t points);

/// The series with the past weighing `memory` (0 … 1) at each point, corrected for the start (as in Adam's moments).
Series smooth(const Series& series, double memory);

/// The size of a chart's drawing, in units that a browser scales.
inline constexpr double kChartWidth = 520;
inline constexpr double kChartHeight = 280;

/// The axes and the curves, as what stands within an `<svg>` of that size; classes say how each part looks.
std::string draw_chart(const Chart& chart);

/// The chart as a `<figure>` with an SVG that scales to its place. The page's style gives the
/// colours.
std::string line_chart(const Chart& chart);

}  // namespace lockstep::observe
