#include "lockstep/observe/chart_file.h"

#include <array>

#include "lockstep/base/text.h"
#include "lockstep/observe/html.h"

namespace lockstep::observe {
namespace {

constexpr double kTitleHeight = 36;
constexpr double kMargin = 14;
constexpr double kLegendStep = 84;  ///< from one name of the legend to the next
constexpr double kScale = 2;        ///< of the picture where nothing else asks for a size

constexpr const char* kStyle =
    "text{font:13px system-ui,sans-serif;fill:#69727d}.title{font-weight:600;fill:#1b2026}.grid{stroke:#e3e6ea}"
    ".axis{stroke:#69727d}.curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".faint{opacity:0.35}";
/// The report's c0 … c8 on white.
constexpr std::array<const char*, 9> kColors = {"#2f6fde", "#e0762a", "#2b9e6b", "#9a5bd0", "#d04a7c",
                                                "#17a2b8", "#b59a1a", "#7d8794", "#8c6d4f"};

std::string color_rules() {
  std::string rules;
  for (std::size_t i = 0; i < kColors.size(); ++i) {
    rules += text(".curve.c", i, "{stroke:", kColors[i], "}.dot.c", i, "{fill:", kColors[i], "}");
  }
  return rules;
}

std::string legend(const Chart& chart) {
  std::string svg;
  if (chart.series.size() < 2) {
    return svg;
  }
  double x = kChartWidth - kMargin - kLegendStep * static_cast<double>(chart.series.size());
  for (const Series& series : chart.series) {
    svg += text("<rect class=\"dot c", series.color, "\" x=\"", x, "\" y=\"14\" width=\"10\" height=\"10\" rx=\"3\"/>",
                "<text x=\"", x + 16, "\" y=\"23\">", escape_html(series.name), "</text>");
    x += kLegendStep;
  }
  return svg;
}

}  // namespace

std::string chart_as_svg_file(const Chart& chart) {
  const double height = kChartHeight + kTitleHeight;
  return text("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", kScale * kChartWidth, "\" height=\"",
              kScale * height, "\" viewBox=\"0 0 ", kChartWidth, " ", height, "\">\n<style>", kStyle, color_rules(),
              "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text class=\"title\" x=\"", kMargin,
              "\" y=\"23\">", escape_html(chart.title), "</text>", legend(chart), "\n<g transform=\"translate(0 ",
              kTitleHeight, ")\">", draw_chart(chart), "</g>\n</svg>\n");
}

}  // namespace lockstep::observe
