#include "lockstep/optim/optimizer.h"

#include <ATen/ATen.h>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::optim {
namespace {

constexpr const char* kSteps = "step.";

UpdatePath path_for(const parallel::Arena& arena) {
  return arena.buckets().front().values.is_cpu() ? UpdatePath::kKernels : UpdatePath::kFlatCalls;
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

Optimizer::Optimizer(parallel::Arena& arena, OptimizerOptions options)
    : Optimizer(arena, std::move(options), path_for(arena)) {}

Optimizer::Optimizer(parallel::Arena& arena, OptimizerOptions options, UpdatePath path)
    : arena_(arena), options_(std::move(options)), path_(path) {
  options_.validate();
  for (const parallel::Bucket& bucket : arena_.buckets()) {
    for (const parallel::Slot& slot : bucket.slots) {
      LOCKSTEP_ASSERT(static_cast<std::size_t>(slot.option_group) < options_.weight_decay.size(),
                      "an option group without a weight decay");
    }
    memories_.push_back({{}, std::vector<std::int64_t>(bucket.slots.size(), 0)});
  }
  if (options_.kind != OptimizerKind::kSgd || options_.momentum != 0) {
    make_moments();
  }
}

const std::vector<std::string>& Optimizer::names_of_moments() const {
  static const std::vector<std::string> adam = {"exp_avg.", "exp_avg_sq."};
  static const std::vector<std::string> sgd = {"momentum_buffer."};
  return options_.kind == OptimizerKind::kSgd ? sgd : adam;
}

void Optimizer::make_moments() {
  bool are_new = false;
  for (std::size_t i = 0; i < memories_.size(); ++i) {
    while (memories_[i].moments.size() < names_of_moments().size()) {
      memories_[i].moments.push_back(at::zeros_like(arena_.buckets()[i].values));
      are_new = true;
    }
  }
  if (are_new && sharing_ != nullptr) {
    share_moments();
  }
}

void Optimizer::share_out(parallel::Group& group) {
  LOCKSTEP_ASSERT(path_ == UpdatePath::kKernels, "only updates by kernels are shared out");
  sharing_ = &group;
  share_moments();
}

void Optimizer::share_moments() {
  for (Memory& memory : memories_) {
    if (!memory.moments.empty()) {
      memory.moments = sharing_->tensors_of_first(memory.moments);
    }
  }
}

void Optimizer::step(const Update& update, const Ema* ema) {
  Update settled = update;
  if (!settled.momentum) {
    settled.momentum = options_.kind == OptimizerKind::kSgd ? options_.momentum : options_.beta1;
  }
  if (*settled.momentum != 0 && memories_.front().moments.empty()) {
    make_moments();  // a schedule may give momentum to SGD that began without
  }
  for (std::size_t i = 0; i < memories_.size(); ++i) {
    const auto& slots = arena_.buckets()[i].slots;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      memories_[i].steps[slot] += slots[slot].used ? 1 : 0;
    }
  }
  const at::NoGradGuard no_grad;
  UpdateJob job{options_, settled, arena_.buckets(), memories_, ema};
  if (sharing_ != nullptr) {
    job.share = {sharing_->rank(), sharing_->size()};
  }
  if (path_ == UpdatePath::kKernels) {
    update_by_kernels(job);
  } else {
    update_by_flat_calls(job);
  }
  if (sharing_ != nullptr) {
    sharing_->barrier();
  }
}

std::vector<std::pair<std::string, at::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (std::size_t index = 0; index < memories_.size(); ++index) {
    const Memory& memory = memories_[index];
    const auto& slots = arena_.buckets()[index].slots;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      for (std::size_t moment = 0; moment < memory.moments.size(); ++moment) {
        state.emplace_back(names_of_moments()[moment] + slots[i].name,
                           memory.moments[moment].narrow(0, slots[i].offset, slots[i].count));
      }
      state.emplace_back(kSteps + slots[i].name, at::full({}, static_cast<double>(memory.steps[i]), at::kFloat));
    }
  }
  return state;
}

void Optimizer::load_state(const std::map<std::string, at::Tensor>& state, Missing missing) {
  for (const parallel::Bucket& bucket : arena_.buckets()) {
    for (const parallel::Slot& slot : bucket.slots) {
      if (state.contains(names_of_moments().front() + slot.name)) {
        make_moments();
      }
    }
  }
  for (std::size_t index = 0; index < memories_.size(); ++index) {
    Memory& memory = memories_[index];
    const auto& slots = arena_.buckets()[index].slots;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const bool is_fresh = missing == Missing::kFresh && !state.contains(kSteps + slots[i].name);
      memory.steps[i] = is_fresh ? 0 : static_cast<std::int64_t>(take(state, kSteps + slots[i].name, 1).item<float>());
      for (std::size_t moment = 0; moment < memory.moments.size(); ++moment) {
        const at::Tensor own = memory.moments[moment].narrow(0, slots[i].offset, slots[i].count);
        if (is_fresh) {
          own.zero_();
        } else {
          own.copy_(take(state, names_of_moments()[moment] + slots[i].name, slots[i].count));
        }
      }
    }
  }
}

}  // namespace lockstep::optim
