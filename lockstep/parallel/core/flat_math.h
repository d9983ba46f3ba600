#pragma once

#include <span>

namespace lockstep::parallel {

/// The sum of the squares, each exact, added in double in an order that depends on the number of values alone: the same
/// values give the same bits wherever they lie, whichever processor sums them.
double sum_of_squares(std::span<const float> values);

}  // namespace lockstep::parallel
