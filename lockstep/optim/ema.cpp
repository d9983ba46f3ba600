#include "lockstep/optim/ema.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/optim/expect_share.h"

namespace lockstep::optim {
namespace {

/// So that a view does not keep alive the flat buffer that it once lay in.
void move_out(const at::Tensor& parameter) {
  if (parameter.storage().nbytes() > parameter.nbytes()) {
    at::Tensor handle = parameter;
    handle.set_data(parameter.detach().clone());
  }
}

}  // namespace

void EmaOptions::validate() const {
  expect_share("--ema-decay", decay, "0.999");
  LOCKSTEP_ASSERT(min_decay >= 0 && min_decay <= 1, "a decay is between 0 and 1");
  LOCKSTEP_ASSERT(update_after_step >= 0, "a step counts from 0");
  LOCKSTEP_ASSERT(warmup_gamma > 0 && warmup_power > 0, "the warm-up rises");
}

Ema::Ema(const parallel::Arena& arena, torch::nn::Module& network, torch::nn::Module& shadow, const EmaOptions& options)
    : options_(options) {
  options_.validate();
  shadow.eval();
  const auto averages = shadow.named_parameters();
  const auto values = network.named_parameters();
  LOCKSTEP_ASSERT(averages.keys() == values.keys(), "the shadow is another network");
  std::map<std::string, Pair> parameters;
  for (const auto& item : averages) {
    parameters[item.key()] = {item.value().requires_grad_(false), values[item.key()]};
  }
  for (const parallel::Bucket& bucket : arena.buckets()) {
    lay(bucket, parameters);
  }
  for (const auto& [name, pair] : parameters) {
    move_out(pair.average);
    frozen_.push_back(pair);
  }
  const auto shadow_buffers = shadow.buffers();
  const auto network_buffers = network.buffers();
  LOCKSTEP_ASSERT(shadow_buffers.size() == network_buffers.size(), "the shadow is another network");
  for (std::size_t i = 0; i < shadow_buffers.size(); ++i) {
    buffers_.push_back({shadow_buffers[i], network_buffers[i]});
  }
}

void Ema::lay(const parallel::Bucket& bucket, std::map<std::string, Pair>& parameters) {
  const at::Tensor flat = at::zeros_like(bucket.values);
  for (const parallel::Slot& slot : bucket.slots) {
    const auto found = parameters.find(slot.name);
    LOCKSTEP_ASSERT(found != parameters.end(), text("the shadow has no parameter ", slot.name));
    at::Tensor& average = found->second.average;
    const at::Tensor view = flat.narrow(0, slot.offset, slot.count).view(average.sizes());
    view.copy_(average);
    average.set_data(view);
    laid_.push_back(found->second);
    parameters.erase(found);
  }
  averages_.push_back(flat);
}

void Ema::set() {
  const at::NoGradGuard no_grad;
  for (const auto* pairs : {&laid_, &frozen_, &buffers_}) {
    for (const Pair& pair : *pairs) {
      pair.average.copy_(pair.value);
    }
  }
  restless_.reset();
}

double Ema::decay_at(std::int64_t update) const {
  const auto t = static_cast<double>(std::max<std::int64_t>(0, update - options_.update_after_step - 1));
  if (t == 0) {
    return 0;
  }
  if (!options_.use_warmup) {
    return options_.decay;
  }
  const double risen = 1 - std::pow(1 + t / options_.warmup_gamma, -options_.warmup_power);
  return std::max(std::min(risen, options_.decay), options_.min_decay);
}

/// They are looked for at the first update, since weights may be loaded into both networks before it.
const std::vector<Ema::Pair>& Ema::restless() {
  if (!restless_) {
    restless_.emplace();
    std::ranges::copy_if(frozen_, std::back_inserter(*restless_),
                         [](const Pair& pair) { return !at::equal(pair.average, pair.value); });
  }
  return *restless_;
}

void Ema::follow_buffers() {
  const at::NoGradGuard no_grad;
  for (const Pair& pair : restless()) {
    pair.average.lerp_(pair.value, weight_);
  }
  for (const Pair& pair : buffers_) {
    if (pair.average.is_floating_point()) {
      pair.average.lerp_(pair.value, weight_);
    } else {
      pair.average.copy_(pair.value);
    }
  }
}

}  // namespace lockstep::optim
