#include "lockstep/observe/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string_view>

#include "lockstep/base/text.h"
#include "lockstep/observe/html.h"

namespace lockstep::observe {
namespace {

// In the units of the drawing.
constexpr double kLeft = 58;
constexpr double kRight = 14;
constexpr double kTop = 10;
constexpr double kBottom = 44;
constexpr int kXTicks = 6;
constexpr int kYTicks = 5;
constexpr std::size_t kDotsUpTo = 40;  ///< points of a curve; with more, dots would hide it

/// Where a coordinate of the data lies in the drawing.
struct Axis {
  double low;
  double high;
  double distance;  ///< of its ticks, which are multiples of it
  double from;
  double to;

  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }

  std::vector<double> ticks() const {
    std::vector<double> ticks;
    const double first = std::ceil(low / distance - 1e-9);
    for (double k = first; k * distance <= high + 1e-9 * distance; ++k) {
      ticks.push_back(k * distance);
    }
    return ticks;
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

Range range_of(const std::vector<Series>& all, std::vector<double> Series::*values) {
  Range range;
  for (const Series& series : all) {
    for (const double value : series.*values) {
      if (std::isfinite(value)) {
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
      }
    }
  }
  return range.low <= range.high ? range : Range{0, 1};
}

/// A range of steps; they are counted from zero.
Axis horizontal_axis(const Range& range) {
  const double high = range.high > 0 ? range.high : 1;
  return {0, high, tick_distance(0, high, kXTicks), kLeft, kChartWidth - kRight};
}

/// From the tick below the range to the tick above it, so that the scale says where the curve ends.
Axis vertical_axis(Range range) {
  if (range.high - range.low <= 1e-9 * std::abs(range.high)) {  // a single value still needs a scale around it
    const double margin = range.high == 0 ? 0.5 : 0.1 * std::abs(range.high);
    range = {range.low - margin, range.high + margin};
  }
  const double distance = tick_distance(range.low, range.high, kYTicks);
  return {std::floor(range.low / distance + 1e-9) * distance, std::ceil(range.high / distance - 1e-9) * distance,
          distance, kChartHeight - kBottom, kTop};
}

/// A tick's label with just the digits that tell it from the next one.
std::string tick_label(double value, double distance) {
  char buffer[32];
  if (value == 0) {
    return "0";
  }
  if (distance >= 1000) {
    std::snprintf(buffer, sizeof buffer, "%gk", value / 1000);
  } else if (distance < 1e-4) {
    std::snprintf(buffer, sizeof buffer, "%.1e", value);
  } else {
    const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(distance) + 1e-9)));
    std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  }
  return buffer;
}

std::string fixed(double coordinate) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", coordinate);
  return buffer;
}

std::string svg_line(std::string_view style, double x1, double y1, double x2, double y2) {
  return text("<line class=\"", style, "\" x1=\"", fixed(x1), "\" y1=\"", fixed(y1), "\" x2=\"", fixed(x2), "\" y2=\"",
              fixed(y2), "\"/>");
}

std::string svg_label(std::string_view anchor, double x, double y, const std::string& words) {
  return text("<text text-anchor=\"", anchor, "\" x=\"", fixed(x), "\" y=\"", fixed(y), "\">", escape_html(words),
              "</text>");
}

std::string draw_axes(const Axis& x, const Axis& y, const std::string& x_label) {
  std::string svg;
  for (const double tick : y.ticks()) {
    svg += svg_line("grid", x.from, y(tick), x.to, y(tick));
    svg += svg_label("end", x.from - 8, y(tick) + 4, tick_label(tick, y.distance));
  }
  for (const double tick : x.ticks()) {
    svg += svg_line("axis", x(tick), y.from, x(tick), y.from + 4);
    svg += svg_label("middle", x(tick), y.from + 18, tick_label(tick, x.distance));
  }
  svg += svg_line("axis", x.from, y.from, x.to, y.from);
  return svg + svg_label("middle", (x.from + x.to) / 2, kChartHeight - 6, x_label);
}

std::string draw_curve(const Series& series, const Axis& x, const Axis& y) {
  std::string path;
  std::string dots;
  bool pen_is_down = false;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!std::isfinite(series.y[i])) {
      pen_is_down = false;
      continue;
    }
    const std::string px = fixed(x(series.x[i]));
    const std::string py = fixed(y(series.y[i]));
    path += text(pen_is_down ? "L" : "M", px, " ", py);
    pen_is_down = true;
    if (series.x.size() <= kDotsUpTo && !series.faint) {
      dots += text("<circle class=\"dot c", series.color, "\" cx=\"", px, "\" cy=\"", py, "\" r=\"3\"/>");
    }
  }
  return text("<path class=\"curve c", series.color, series.faint ? " faint" : "", "\" d=\"", path, "\"/>", dots);
}

std::string legend(const std::vector<Series>& all) {
  if (all.size() < 2) {
    return "";
  }
  std::string html;
  for (const Series& series : all) {
    html += text("<span class=\"key\"><i class=\"swatch c", series.color, series.faint ? " faint" : "", "\"></i>",
                 escape_html(series.name), "</span>");
  }
  return html;
}

}  // namespace

double tick_distance(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

Series thin_out(const Series& series, std::size_t points) {
  const std::size_t size = series.x.size();
  if (size <= points) {
    return series;
  }
  Series thin{series.name, {}, {}, series.color, series.faint};
  for (std::size_t k = 0; k < points; ++k) {
    double x_sum = 0;
    double y_sum = 0;
    std::size_t count = 0;
    const std::size_t begin = k * size / points;
    const std::size_t end = (k + 1) * size / points;
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isfinite(series.y[i])) {
        x_sum += series.x[i];
        y_sum += series.y[i];
        ++count;
      }
    }
    thin.x.push_back(count > 0 ? x_sum / static_cast<double>(count) : series.x[begin]);
    thin.y.push_back(y_sum / static_cast<double>(count));  // NaN, a gap, where there is none
  }
  return thin;
}

Series smooth(const Series& series, double memory) {
  Series smoothed = series;
  double sum = 0;
  double weight = 0;
  for (double& y : smoothed.y) {
    if (std::isfinite(y)) {
      sum = memory * sum + (1 - memory) * y;
      weight = memory * weight + (1 - memory);
      y = sum / weight;
    }
  }
  return smoothed;
}

std::string draw_chart(const Chart& chart) {
  const Axis x = horizontal_axis(range_of(chart.series, &Series::x));
  const Axis y = vertical_axis(range_of(chart.series, &Series::y));
  std::string curves;
  for (const Series& series : chart.series) {
    curves += draw_curve(series, x, y);
  }
  return draw_axes(x, y, chart.x_label) + curves;
}

std::string line_chart(const Chart& chart) {
  const std::string title = escape_html(chart.title);
  return text("<figure class=\"chart\"><figcaption>", title, legend(chart.series), "</figcaption><svg viewBox=\"0 0 ",
              kChartWidth, " ", kChartHeight, "\" role=\"img\" aria-label=\"", title, "\">", draw_chart(chart),
              "</svg></figure>\n");
}

}  // namespace lockstep::observe
