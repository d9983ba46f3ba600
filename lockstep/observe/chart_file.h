#pragma once

#include <string>

#include "lockstep/observe/chart.h"

namespace lockstep::observe {

/// The chart as an SVG file of its own, with title and legend, for browsers and picture viewers: its colours stand in
/// it as numbers, since not every viewer knows the variables of a page's style.
std::string chart_as_svg_file(const Chart& chart);

}  // namespace lockstep::observe
