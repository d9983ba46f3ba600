#include "lockstep/parallel/arena.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {
namespace {

// Every parameter starts at a cache line, as it would with an allocation of its own.
constexpr std::int64_t kAlignment = 16;

std::int64_t padded(std::int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

/// Called by autograd when a parameter's gradient has landed.
class MarkUsed : public torch::autograd::FunctionPostHook {
 public:
  explicit MarkUsed(Slot* slot) : slot_(slot) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list& gradients) override {
    slot_->used |= !gradients.empty() && gradients[0].defined();
    return outputs;
  }

 private:
  Slot* slot_;
};

/// On the CPU.
double sum_of_squares(const at::Tensor& values) {
  const float* data = values.const_data_ptr<float>();
  const std::int64_t count = values.numel();
  // Eight running sums that the compiler keeps in registers; their order is fixed, and so are the bits.
  double sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int lane = 0; lane < 8; ++lane) {
      const double value = data[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < count; ++i) {
    sums[0] += static_cast<double>(data[i]) * data[i];
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

}  // namespace

/// Autograd keeps only a weak hold of the nodes that the hooks hang on.
struct Arena::Watches {
  struct Watch {
    at::Tensor parameter;
    std::shared_ptr<torch::autograd::Node> accumulator;
  };
  std::vector<Watch> watches;
};

Arena::Arena(const std::vector<ArenaParameter>& parameters, std::int64_t bucket_bytes)
    : watches_(std::make_unique<Watches>()) {
  LOCKSTEP_ASSERT(!parameters.empty(), "a model without parameters");
  std::vector<ArenaParameter> pending;
  std::int64_t bytes = 0;
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    const at::Tensor& tensor = parameter->tensor;
    LOCKSTEP_ASSERT(tensor.is_leaf() && tensor.requires_grad() && tensor.scalar_type() == at::kFloat,
                    text(parameter->name, " is not a float32 leaf that requires a gradient"));
    pending.push_back(*parameter);
    bytes += padded(tensor.numel()) * static_cast<std::int64_t>(sizeof(float));
    if (bytes >= bucket_bytes) {
      lay_bucket(std::exchange(pending, {}));
      bytes = 0;
    }
  }
  if (!pending.empty()) {
    lay_bucket(std::move(pending));
  }
  watch_use();

  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    for (std::size_t slot = 0; slot < buckets_[bucket].slots.size(); ++slot) {
      by_name_.emplace_back(bucket, slot);
    }
  }
  const auto name = [&](const auto& place) { return buckets_[place.first].slots[place.second].name; };
  std::ranges::sort(by_name_, {}, name);
  LOCKSTEP_ASSERT(std::ranges::adjacent_find(by_name_, {}, name) == by_name_.end(), "two parameters of one name");
}

Arena::~Arena() = default;

void Arena::lay_bucket(std::vector<ArenaParameter> parameters) {
  std::ranges::stable_sort(parameters, {}, &ArenaParameter::option_group);
  Bucket bucket;
  std::int64_t total = 0;
  for (const ArenaParameter& parameter : parameters) {
    bucket.slots.push_back({parameter.name, total, parameter.tensor.numel(), parameter.option_group, false});
    total += padded(parameter.tensor.numel());
  }
  const auto options = parameters.front().tensor.options().requires_grad(false);
  bucket.values = at::zeros({total}, options);
  bucket.gradients = at::zeros({total}, options);

  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& tensor = parameters[i].tensor;
    const Slot& slot = bucket.slots[i];
    const auto sizes = tensor.sizes().vec();
    const at::Tensor view = bucket.values.narrow(0, slot.offset, slot.count).view(sizes);
    view.copy_(tensor);
    tensor.set_data(view);
    tensor.mutable_grad() = bucket.gradient(slot).view(sizes);
    watches_->watches.push_back({tensor, nullptr});
  }
  buckets_.push_back(std::move(bucket));
}

void Arena::watch_use() {
  auto watch = watches_->watches.begin();
  for (Bucket& bucket : buckets_) {
    for (Slot& slot : bucket.slots) {
      watch->accumulator = torch::autograd::impl::grad_accumulator(watch->parameter);
      watch->accumulator->add_post_hook(std::make_unique<MarkUsed>(&slot));
      ++watch;
    }
  }
}

void Arena::zero_gradients() {
  for (Bucket& bucket : buckets_) {
    bucket.gradients.zero_();
    for (Slot& slot : bucket.slots) {
      slot.used = false;
    }
  }
}

double Arena::gradient_norm() const {
  std::vector<at::Tensor> gradients;
  for (const auto& [bucket, slot] : by_name_) {
    gradients.push_back(buckets_[bucket].gradient(buckets_[bucket].slots[slot]));
  }
  double total = 0;
  if (gradients.front().is_cpu()) {
    for (const at::Tensor& gradient : gradients) {
      total += sum_of_squares(gradient);
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

void Arena::scale_gradients(double factor) {
  for (Bucket& bucket : buckets_) {
    bucket.gradients.mul_(factor);
  }
}

}  // namespace lockstep::parallel
