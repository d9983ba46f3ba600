#pragma once

#include <cstddef>
#include <span>

namespace lockstep::metrics {

/// A mean, and how far it may lie from the true one: with a chance of 95 % within `half_width`, where the values are
/// independent and roughly normal, or many.
struct MeanInterval {
  double mean = 0;
  double half_width = 0;
};

/// By Student's t. Of one value the half width is not a number; there must be at least one.
MeanInterval mean_interval(std::span<const double> values);

/// The number that Student's t with so many degrees of freedom, at least 1, stays below with a chance of 97.5 %:
/// 12.706 for 1, 1.96 for very many.
double student_t_975(std::size_t degrees_of_freedom);

}  // namespace lockstep::metrics
