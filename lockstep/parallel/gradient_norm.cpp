#include "lockstep/parallel/gradient_norm.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "lockstep/parallel/core/flat_math.h"

namespace lockstep::parallel {
namespace {

/// Of those gradients that are the rank's share, and 0 for the others.
std::vector<double> own_squares(const std::vector<at::Tensor>& gradients, int rank, int ranks) {
  std::int64_t elements = 0;
  for (const at::Tensor& gradient : gradients) {
    elements += gradient.numel();
  }
  std::vector<double> squares(gradients.size(), 0);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    // Shares of about as many elements.
    if (before * ranks / elements == rank) {
      const auto count = static_cast<std::size_t>(gradients[i].numel());
      squares[i] = sum_of_squares({gradients[i].const_data_ptr<float>(), count});
    }
    before += gradients[i].numel();
  }
  return squares;
}

std::vector<double> squares_on_host(const std::vector<at::Tensor>& gradients, Group* sharing) {
  if (sharing == nullptr) {
    return own_squares(gradients, 0, 1);
  }
  std::vector<double> squares = own_squares(gradients, sharing->rank(), sharing->size());
  const auto everywhere = sharing->all_gather(std::as_bytes(std::span(squares)));
  std::ranges::fill(squares, 0.0);
  for (const std::vector<std::byte>& bytes : everywhere) {
    const auto* theirs = reinterpret_cast<const double*>(bytes.data());
    for (std::size_t i = 0; i < squares.size(); ++i) {
      squares[i] += theirs[i];  // zero on all ranks but one
    }
  }
  return squares;
}

}  // namespace

double norm_of(const std::vector<at::Tensor>& gradients, Group* sharing) {
  double total = 0;
  if (gradients.front().is_cpu()) {
    for (const double square : squares_on_host(gradients, sharing)) {
      total += square;
    }
    return std::sqrt(total);
  }
  // One launch for many parameters, and one wait for all of them.
  const at::Tensor norms = at::stack(at::_foreach_norm(gradients, 2, at::kDouble)).cpu();
  for (std::int64_t i = 0; i < norms.numel(); ++i) {
    total += norms.const_data_ptr<double>()[i] * norms.const_data_ptr<double>()[i];
  }
  return std::sqrt(total);
}

}  // namespace lockstep::parallel
