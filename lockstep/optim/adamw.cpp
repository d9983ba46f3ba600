#include "lockstep/optim/adamw.h"

#include <ATen/ATen.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

/// Neighbouring slots that are updated by one call: of one option group, all used, with the same number of updates.
struct Run {
  std::size_t first = 0;  ///< slot
  std::size_t last = 0;   ///< slot after the last
};

std::vector<Run> find_runs(const parallel::Bucket& bucket, const std::vector<std::int64_t>& steps) {
  std::vector<Run> runs;
  for (std::size_t slot = 0; slot < bucket.slots.size(); ++slot) {
    if (!bucket.slots[slot].used) {
      continue;
    }
    const bool continues = !runs.empty() && runs.back().last == slot &&
                           bucket.slots[slot].option_group == bucket.slots[slot - 1].option_group &&
                           steps[slot] == steps[slot - 1];
    if (continues) {
      runs.back().last = slot + 1;
    } else {
      runs.push_back({slot, slot + 1});
    }
  }
  return runs;
}

at::Tensor take(const std::map<std::string, at::Tensor>& state, const std::string& name, std::int64_t count) {
  const auto found = state.find(name);
  if (found == state.end() || found->second.numel() != count) {
    throw DataError(text("the optimizer's state has no fitting '", name, "'"),
                    "resume with the options of the run, or start anew with --fresh");
  }
  return found->second.reshape({count});
}

}  // namespace

AdamW::AdamW(parallel::Arena& arena, AdamWOptions options) : arena_(arena), options_(std::move(options)) {
  for (const parallel::Bucket& bucket : arena_.buckets()) {
    for (const parallel::Slot& slot : bucket.slots) {
      LOCKSTEP_ASSERT(static_cast<std::size_t>(slot.option_group) < options_.weight_decay.size(),
                      "an option group without a weight decay");
    }
    moments_.push_back({at::zeros_like(bucket.values), at::zeros_like(bucket.values),
                        std::vector<std::int64_t>(bucket.slots.size(), 0)});
  }
}

void AdamW::step(double learning_rate, double beta1) {
  for (std::size_t index = 0; index < moments_.size(); ++index) {
    parallel::Bucket& bucket = arena_.buckets()[index];
    Moments& moments = moments_[index];
    for (const Run& run : find_runs(bucket, moments.steps)) {
      const parallel::Slot& last = bucket.slots[run.last - 1];
      const std::int64_t offset = bucket.slots[run.first].offset;
      const std::int64_t count = last.offset + last.count - offset;
      const auto stretch = [&](const at::Tensor& flat) { return flat.narrow(0, offset, count); };
      for (std::size_t slot = run.first; slot < run.last; ++slot) {
        ++moments.steps[slot];
      }
      const auto updates = static_cast<double>(moments.steps[run.first]);
      at::_fused_adamw_({stretch(bucket.values)}, {stretch(bucket.gradients)}, {stretch(moments.mean)},
                        {stretch(moments.square)}, {}, {at::full({}, updates, bucket.values.options())}, learning_rate,
                        beta1, options_.beta2, options_.weight_decay[static_cast<std::size_t>(last.option_group)],
                        options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
    }
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (std::size_t index = 0; index < moments_.size(); ++index) {
    const Moments& moments = moments_[index];
    const auto& slots = arena_.buckets()[index].slots;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      state.emplace_back("exp_avg." + slots[i].name, moments.mean.narrow(0, slots[i].offset, slots[i].count));
      state.emplace_back("exp_avg_sq." + slots[i].name, moments.square.narrow(0, slots[i].offset, slots[i].count));
      state.emplace_back("step." + slots[i].name, at::full({}, static_cast<double>(moments.steps[i]), at::kFloat));
    }
  }
  return state;
}

void AdamW::load_state(const std::map<std::string, at::Tensor>& state) {
  for (std::size_t index = 0; index < moments_.size(); ++index) {
    Moments& moments = moments_[index];
    const auto& slots = arena_.buckets()[index].slots;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const parallel::Slot& slot = slots[i];
      moments.mean.narrow(0, slot.offset, slot.count).copy_(take(state, "exp_avg." + slot.name, slot.count));
      moments.square.narrow(0, slot.offset, slot.count).copy_(take(state, "exp_avg_sq." + slot.name, slot.count));
      moments.steps[i] = static_cast<std::int64_t>(take(state, "step." + slot.name, 1).item<float>());
    }
  }
}

}  // namespace lockstep::optim
