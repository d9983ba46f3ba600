#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "lockstep/optim/kernels.h"
#include "lockstep/optim/update_paths.h"

namespace lockstep::optim {
namespace {

constexpr std::int64_t kPiece = 1024;  // elements; a piece of each of the five arrays takes 20 KiB together

/// A parameter that gets no gradient has no factors.
using Factors = std::variant<std::monostate, AdamFactors, SgdFactors>;

/// A slot, ready to be worked on in pieces.
struct KernelStretch {
  Factors factors;
  float* values = nullptr;
  const float* gradients = nullptr;
  float* moments[2] = {nullptr, nullptr};
  float* average = nullptr;
  std::int64_t count = 0;
  std::int64_t first_piece = 0;  ///< pieces in the stretches before
};

AdamFactors adam_factors(const OptimizerOptions& options, const Update& update, double weight_decay,
                         std::int64_t steps) {
  const double beta1 = *update.momentum;
  const auto t = static_cast<double>(steps);
  const double square_correction = std::sqrt(1 - std::pow(options.beta2, t));
  const bool is_decoupled = options.kind == OptimizerKind::kAdamW;
  AdamFactors factors;
  factors.gradient = static_cast<float>(update.gradient_factor);
  factors.l2 = static_cast<float>(is_decoupled ? 0 : weight_decay);
  factors.shrink = static_cast<float>(is_decoupled ? 1 - update.learning_rate * weight_decay : 1);
  factors.mean_weight = static_cast<float>(1 - beta1);
  factors.square_decay = static_cast<float>(options.beta2);
  factors.square_weight = static_cast<float>(1 - options.beta2);
  factors.step_size = static_cast<float>(update.learning_rate * square_correction / (1 - std::pow(beta1, t)));
  factors.epsilon = static_cast<float>(options.epsilon * square_correction);
  return factors;
}

Factors factors_of(const UpdateJob& job, const parallel::Slot& slot, std::int64_t steps) {
  if (!slot.used) {
    return {};
  }
  const double weight_decay = job.options.weight_decay[static_cast<std::size_t>(slot.option_group)];
  if (job.options.kind != OptimizerKind::kSgd) {
    return adam_factors(job.options, job.update, weight_decay, steps);
  }
  return SgdFactors{static_cast<float>(job.update.gradient_factor), static_cast<float>(weight_decay),
                    static_cast<float>(*job.update.momentum), static_cast<float>(job.update.learning_rate),
                    job.options.nesterov};
}

KernelStretch kernel_stretch_of(const UpdateJob& job, std::size_t bucket_index, std::size_t slot_index) {
  const parallel::Bucket& bucket = job.buckets[bucket_index];
  const parallel::Slot& slot = bucket.slots[slot_index];
  const Memory& memory = job.memories[bucket_index];
  KernelStretch stretch;
  stretch.factors = factors_of(job, slot, memory.steps[slot_index]);
  stretch.values = bucket.values.data_ptr<float>() + slot.offset;
  stretch.gradients = bucket.gradients.const_data_ptr<float>() + slot.offset;
  for (std::size_t i = 0; i < memory.moments.size(); ++i) {
    stretch.moments[i] = memory.moments[i].data_ptr<float>() + slot.offset;
  }
  if (job.ema != nullptr) {
    stretch.average = job.ema->average(bucket_index).data_ptr<float>() + slot.offset;
  }
  stretch.count = slot.count;
  return stretch;
}

void work_on(const KernelStretch& stretch, std::int64_t piece, float average_weight) {
  const std::int64_t first = piece * kPiece;
  const auto count = static_cast<std::size_t>(std::min(kPiece, stretch.count - first));
  float* const values = stretch.values + first;
  const float* const gradients = stretch.gradients + first;
  if (const auto* factors = std::get_if<AdamFactors>(&stretch.factors)) {
    adam(*factors, count, values, gradients, stretch.moments[0] + first, stretch.moments[1] + first);
  } else if (const auto* sgd = std::get_if<SgdFactors>(&stretch.factors)) {
    if (sgd->momentum != 0) {
      sgd_with_momentum(*sgd, count, values, gradients, stretch.moments[0] + first);
    } else {
      plain_sgd(*sgd, count, values, gradients);
    }
  }
  if (stretch.average != nullptr) {
    lerp(average_weight, count, stretch.average + first, values);
  }
}

}  // namespace

void update_by_kernels(const UpdateJob& job) {
  std::vector<KernelStretch> stretches;
  std::int64_t pieces = 0;
  for (std::size_t bucket = 0; bucket < job.buckets.size(); ++bucket) {
    for (std::size_t slot = 0; slot < job.buckets[bucket].slots.size(); ++slot) {
      stretches.push_back(kernel_stretch_of(job, bucket, slot));
      stretches.back().first_piece = pieces;
      pieces += (stretches.back().count + kPiece - 1) / kPiece;
    }
  }
  const float average_weight = job.ema != nullptr ? static_cast<float>(job.ema->weight()) : 0;
  constexpr std::int64_t kFewestPieces = 32;  // worth waking a thread for
  at::parallel_for(0, pieces, kFewestPieces, [&](std::int64_t first, std::int64_t last) {
    // The last stretch that begins at or before the piece.
    auto stretch = std::ranges::upper_bound(stretches, first, {}, &KernelStretch::first_piece) - 1;
    for (std::int64_t piece = first; piece < last; ++piece) {
      while (stretch + 1 != stretches.end() && (stretch + 1)->first_piece <= piece) {
        ++stretch;
      }
      work_on(*stretch, piece - stretch->first_piece, average_weight);
    }
  });
}

}  // namespace lockstep::optim
