#include <ATen/ATen.h>

#include "lockstep/optim/update_paths.h"

namespace lockstep::optim {
namespace {

/// Neighbouring slots that are updated by one call: of one option group, all used, with the same number of updates.
struct Run {
  std::size_t first = 0;  ///< slot
  std::size_t last = 0;   ///< slot after the last
};

std::vector<Run> find_runs(const std::vector<parallel::Slot>& slots, const std::vector<std::int64_t>& steps) {
  std::vector<Run> runs;
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (!slots[slot].used) {
      continue;
    }
    const bool continues = !runs.empty() && runs.back().last == slot &&
                           slots[slot].option_group == slots[slot - 1].option_group && steps[slot] == steps[slot - 1];
    if (continues) {
      runs.back().last = slot + 1;
    } else {
      runs.push_back({slot, slot + 1});
    }
  }
  return runs;
}

/// A run's part of every flat tensor. What lies between its slots is updated as well; nobody looks at it.
struct FlatStretch {
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> moments[2];
  std::optional<at::Tensor> gradient_divisor;  ///< of the fused functions; none for 1
  double weight_decay = 0;
  double steps = 0;
};

FlatStretch flat_stretch_of(const UpdateJob& job, const parallel::Bucket& bucket, const Memory& memory,
                            const Run& run) {
  const parallel::Slot& first = bucket.slots[run.first];
  const parallel::Slot& last = bucket.slots[run.last - 1];
  const auto part = [&](const at::Tensor& flat) {
    return flat.narrow(0, first.offset, last.offset + last.count - first.offset);
  };
  FlatStretch stretch;
  stretch.values = {part(bucket.values)};
  stretch.gradients = {part(bucket.gradients)};
  for (std::size_t i = 0; i < memory.moments.size(); ++i) {
    stretch.moments[i] = {part(memory.moments[i])};
  }
  if (job.update.gradient_factor != 1) {
    stretch.gradient_divisor = at::full({}, 1 / job.update.gradient_factor, bucket.values.options());
  }
  stretch.weight_decay = job.options.weight_decay[static_cast<std::size_t>(first.option_group)];
  stretch.steps = static_cast<double>(memory.steps[run.first]);
  return stretch;
}

void adam_run(const UpdateJob& job, const FlatStretch& stretch) {
  const std::vector<at::Tensor> none;
  const std::vector<at::Tensor> steps = {at::full({}, stretch.steps, stretch.values[0].options())};
  const auto call = [&](const auto& fused) {
    fused(stretch.values, stretch.gradients, stretch.moments[0], stretch.moments[1], none, steps,
          job.update.learning_rate, *job.update.momentum, job.options.beta2, stretch.weight_decay, job.options.epsilon,
          /*amsgrad=*/false, /*maximize=*/false, stretch.gradient_divisor);
  };
  if (job.options.kind == OptimizerKind::kAdamW) {
    call([](const auto&... arguments) { at::_fused_adamw_(arguments...); });
  } else {
    call([](const auto&... arguments) { at::_fused_adam_(arguments...); });
  }
}

void sgd_run(const UpdateJob& job, const FlatStretch& stretch) {
  const double momentum = *job.update.momentum;
  at::_fused_sgd_(stretch.values, stretch.gradients, momentum != 0 ? stretch.moments[0] : std::vector<at::Tensor>{},
                  stretch.weight_decay, momentum, job.update.learning_rate, /*dampening=*/0, job.options.nesterov,
                  /*maximize=*/false, /*is_first_step=*/false, stretch.gradient_divisor);
}

}  // namespace

void update_by_flat_calls(const UpdateJob& job) {
  for (std::size_t i = 0; i < job.buckets.size(); ++i) {
    const parallel::Bucket& bucket = job.buckets[i];
    for (const Run& run : find_runs(bucket.slots, job.memories[i].steps)) {
      const FlatStretch stretch = flat_stretch_of(job, bucket, job.memories[i], run);
      if (job.options.kind == OptimizerKind::kSgd) {
        sgd_run(job, stretch);
      } else {
        adam_run(job, stretch);
      }
    }
    if (job.ema != nullptr) {
      at::Tensor average = job.ema->average(i);
      average.lerp_(bucket.values, job.ema->weight());
    }
  }
}

}  // namespace lockstep::optim
