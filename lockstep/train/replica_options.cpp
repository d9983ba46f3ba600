#include "lockstep/train/replica_options.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {
namespace {

enum OptionGroup : int { kDecayed = 0, kNotDecayed = 1 };

optim::OptimizerKind optimizer_kind(const std::string& name) {
  if (name == "adamw") {
    return optim::OptimizerKind::kAdamW;
  }
  if (name == "adam") {
    return optim::OptimizerKind::kAdam;
  }
  if (name == "sgd") {
    return optim::OptimizerKind::kSgd;
  }
  throw UsageError(text("--optimizer '", name, "' is not known"), "give adamw, adam or sgd");
}

}  // namespace

std::int64_t bucket_bytes(const TrainOptions& options, const std::vector<parallel::ArenaParameter>& parameters) {
  constexpr std::int64_t kMebibyte = 1 << 20;
  if (options.bucket_mebibytes) {
    return std::max<std::int64_t>(1, std::llround(*options.bucket_mebibytes * static_cast<double>(kMebibyte)));
  }
  std::int64_t total = 0;
  for (const parallel::ArenaParameter& parameter : parameters) {
    total += static_cast<std::int64_t>(parameter.tensor.nbytes());
  }
  return std::clamp(total / 8, kMebibyte, 25 * kMebibyte);
}

int option_group(const at::Tensor& parameter) { return parameter.dim() > 1 ? kDecayed : kNotDecayed; }

optim::OptimizerOptions optimizer_options(const TrainOptions& options) {
  optim::OptimizerOptions optimizer;
  optimizer.kind = optimizer_kind(options.optimizer);
  optimizer.momentum = options.momentum.value_or(optimizer.momentum);
  optimizer.weight_decay = {options.weight_decay, 0.0};
  return optimizer;
}

optim::EmaOptions ema_options(const TrainOptions& options) {
  optim::EmaOptions ema;
  ema.decay = options.ema_decay;
  ema.use_warmup = options.ema_warmup;
  return ema;
}

}  // namespace lockstep::train
