#include "lockstep/parallel/arena.h"

#include <torch/torch.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/gradient_norm.h"

namespace lockstep::parallel {
namespace {

// Every parameter starts at a cache line, as it would with an allocation of its own.
constexpr std::int64_t kAlignment = 16;

std::int64_t padded(std::int64_t count) { return (count + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

/// A parameter, where its gradient goes, and the node of autograd that hands it over, of which autograd itself keeps
/// only a weak hold.
struct Arena::Watch {
  at::Tensor parameter;
  at::Tensor gradient;  ///< a view of the bucket, in the shape of the parameter
  std::size_t bucket = 0;
  std::size_t slot = 0;
  std::shared_ptr<torch::autograd::Node> accumulator{};
  std::uintptr_t hook = 0;
};

/// Called by autograd before it would add a gradient to the parameter's. Nothing is left for it to do.
class Arena::Landing : public torch::autograd::FunctionPreHook {
 public:
  Landing(Arena& arena, const Watch& watch) : arena_(arena), watch_(watch) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& gradients) override {
    if (!gradients.empty() && gradients[0].defined()) {
      arena_.land(watch_, gradients[0]);
    }
    return {at::Tensor()};
  }

 private:
  Arena& arena_;
  const Watch& watch_;
};

Arena::Arena(const std::vector<ArenaParameter>& parameters, std::int64_t bucket_bytes) {
  LOCKSTEP_ASSERT(!parameters.empty(), "a model without parameters");
  std::vector<ArenaParameter> pending;
  std::int64_t bytes = 0;
  for (const ArenaParameter& parameter : parameters) {
    const at::Tensor& tensor = parameter.tensor;
    LOCKSTEP_ASSERT(tensor.is_leaf() && tensor.requires_grad() && tensor.scalar_type() == at::kFloat,
                    text(parameter.name, " is not a float32 leaf that requires a gradient"));
    pending.push_back(parameter);
    bytes += padded(tensor.numel()) * static_cast<std::int64_t>(sizeof(float));
    if (bytes >= bucket_bytes) {
      lay_bucket(std::exchange(pending, {}));
      bytes = 0;
    }
  }
  if (!pending.empty()) {
    lay_bucket(std::move(pending));
  }
  watch_gradients();

  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    for (std::size_t slot = 0; slot < buckets_[bucket].slots.size(); ++slot) {
      by_name_.emplace_back(bucket, slot);
    }
  }
  const auto name = [&](const auto& place) { return buckets_[place.first].slots[place.second].name; };
  std::ranges::sort(by_name_, {}, name);
  LOCKSTEP_ASSERT(std::ranges::adjacent_find(by_name_, {}, name) == by_name_.end(), "two parameters of one name");
}

Arena::~Arena() {
  for (const Watch& watch : watches_) {
    auto& hooks = watch.accumulator->pre_hooks();
    std::erase_if(hooks, [&](const auto& hook) { return reinterpret_cast<std::uintptr_t>(hook.get()) == watch.hook; });
  }
}

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
  bucket.exchanged = at::zeros({total + padded(static_cast<std::int64_t>(parameters.size()))}, options);
  bucket.gradients = bucket.exchanged.narrow(0, 0, total);

  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& tensor = parameters[i].tensor;
    const Slot& slot = bucket.slots[i];
    const auto sizes = tensor.sizes().vec();
    const at::Tensor view = bucket.values.narrow(0, slot.offset, slot.count).view(sizes);
    view.copy_(tensor);
    tensor.set_data(view);
    tensor.mutable_grad() = bucket.gradient(slot).view(sizes);
    watches_.push_back({tensor, tensor.grad(), buckets_.size(), i});
  }
  buckets_.push_back(std::move(bucket));
}

void Arena::watch_gradients() {
  for (Watch& watch : watches_) {
    watch.accumulator = torch::autograd::impl::grad_accumulator(watch.parameter);
    auto landing = std::make_unique<Landing>(*this, watch);
    watch.hook = reinterpret_cast<std::uintptr_t>(landing.get());
    watch.accumulator->add_pre_hook(std::move(landing));
  }
}

void Arena::begin_step() {
  for (Bucket& bucket : buckets_) {
    for (Slot& slot : bucket.slots) {
      slot.used = false;
    }
  }
  final_.assign(buckets_.size(), false);
  is_last_pass_ = false;
  landed_.clear();
}

void Arena::before_last_pass(std::function<void(std::size_t bucket)> on_final) {
  is_last_pass_ = true;
  on_final_ = std::move(on_final);
  missing_.clear();
  for (const Bucket& bucket : buckets_) {
    missing_.push_back(bucket.slots.size());
  }
}

void Arena::land(const Watch& watch, const at::Tensor& gradient) {
  const at::NoGradGuard no_grad;
  Slot& slot = buckets_[watch.bucket].slots[watch.slot];
  if (slot.used) {
    watch.gradient.add_(gradient);
  } else {
    watch.gradient.copy_(gradient);
    slot.used = true;
  }
  if (is_last_pass_) {
    LOCKSTEP_ASSERT(!final_[watch.bucket], text("the gradient of ", slot.name, " landed twice in one pass"));
    landed_.push_back(&watch);
    if (--missing_[watch.bucket] == 0) {
      finish_bucket(watch.bucket, on_final_);
    }
  }
}

void Arena::finish_bucket(std::size_t index, const std::function<void(std::size_t)>& on_final) {
  Bucket& bucket = buckets_[index];
  // Without a copy from the host, for which it would have to wait for a GPU.
  const at::Tensor flags = bucket.use_flags();
  flags.fill_(1);
  for (std::size_t i = 0; i < bucket.slots.size(); ++i) {
    if (!bucket.slots[i].used) {
      flags[static_cast<std::int64_t>(i)].zero_();
    }
  }
  final_[index] = true;
  on_final(index);
}

void Arena::close_step(const std::function<void(std::size_t bucket)>& on_final) {
  const at::NoGradGuard no_grad;
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    if (!final_[index]) {
      for (const Slot& slot : buckets_[index].slots) {
        if (!slot.used) {
          buckets_[index].gradient(slot).zero_();
        }
      }
      finish_bucket(index, on_final);
    }
  }
}

void Arena::fail_step(const std::function<void(std::size_t bucket)>& on_final) {
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    if (!final_[index]) {
      for (Slot& slot : buckets_[index].slots) {
        slot.used = false;
      }
    }
  }
  close_step(on_final);
}

void Arena::read_use() {
  std::vector<at::Tensor> of_buckets;
  for (const Bucket& bucket : buckets_) {
    of_buckets.push_back(bucket.use_flags());
  }
  const at::Tensor flags = at::cat(of_buckets).cpu();
  const float* flag = flags.const_data_ptr<float>();
  for (Bucket& bucket : buckets_) {
    for (Slot& slot : bucket.slots) {
      slot.used = *flag++ > 0;
    }
  }
}

std::vector<std::string> Arena::landing_order() const {
  std::vector<std::string> names;
  if (landed_.empty()) {
    return names;
  }
  for (const Watch* watch : landed_) {
    names.push_back(buckets_[watch->bucket].slots[watch->slot].name);
  }
  for (const Watch& watch : watches_) {
    if (std::ranges::find(landed_, &watch) == landed_.end()) {
      names.push_back(buckets_[watch.bucket].slots[watch.slot].name);
    }
  }
  return names;
}

bool Arena::share_values(Group& group) {
  std::vector<at::Tensor> own;
  for (const Bucket& bucket : buckets_) {
    own.push_back(bucket.values);
  }
  const std::vector<at::Tensor> first = group.tensors_of_first(own);
  if (first.empty()) {
    return false;
  }
  sharing_ = &group;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    LOCKSTEP_ASSERT(first[i].sizes() == own[i].sizes(), "the ranks' arenas are not laid alike");
    buckets_[i].values = first[i];
  }
  for (Watch& watch : watches_) {
    const Bucket& bucket = buckets_[watch.bucket];
    const Slot& slot = bucket.slots[watch.slot];
    watch.parameter.set_data(bucket.values.narrow(0, slot.offset, slot.count).view(watch.parameter.sizes()));
  }
  return true;
}

double Arena::gradient_norm() const {
  std::vector<at::Tensor> gradients;
  for (const auto& [bucket, slot] : by_name_) {
    gradients.push_back(buckets_[bucket].gradient(buckets_[bucket].slots[slot]));
  }
  return norm_of(gradients, sharing_);
}

}  // namespace lockstep::parallel
