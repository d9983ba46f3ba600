#include "lockstep/nn/resize.h"

#include <ATen/Context.h>

#include <algorithm>

namespace lockstep::nn {
namespace {

/// How much each of the `from` places counts for each of the `to` places. // (to, from) float64
at::Tensor weights(std::int64_t from, std::int64_t to) {
  at::Tensor matrix = at::zeros({to, from}, at::kDouble);
  auto entries = matrix.accessor<double, 2>();
  const double step = static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t place = 0; place < to; ++place) {
    const double source = std::max(0.0, (static_cast<double>(place) + 0.5) * step - 0.5);
    const auto left = std::min(static_cast<std::int64_t>(source), from - 1);
    const std::int64_t right = std::min(left + 1, from - 1);
    const double share = source - static_cast<double>(left);
    entries[place][left] += 1 - share;
    entries[place][right] += share;
  }
  return matrix;
}

}  // namespace

at::Tensor resize_bilinear_by_matrices(const at::Tensor& features, std::int64_t height, std::int64_t width) {
  const at::Tensor rows = weights(features.size(2), height).to(features.options());
  const at::Tensor columns = weights(features.size(3), width).to(features.options());
  return rows.matmul(features).matmul(columns.t());
}

at::Tensor resize_bilinear(const at::Tensor& features, std::int64_t height, std::int64_t width) {
  if (features.is_cuda() && at::globalContext().deterministicAlgorithms()) {
    return resize_bilinear_by_matrices(features, height, width);
  }
  return at::upsample_bilinear2d(features, {height, width}, /*align_corners=*/false);
}

}  // namespace lockstep::nn
