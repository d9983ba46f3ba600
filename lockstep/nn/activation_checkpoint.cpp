#include "lockstep/nn/activation_checkpoint.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include "lockstep/base/error.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/nn/sync_batch_norm.h"

namespace lockstep::nn {
namespace {

/// Whether and to which types operations are cast, in the thread that takes or applies it.
class AutocastState {
 public:
  static AutocastState of_this_thread() {
    AutocastState state;
    for (std::size_t i = 0; i < kDevices.size(); ++i) {
      state.enabled_[i] = at::autocast::is_autocast_enabled(kDevices[i]);
      state.types_[i] = at::autocast::get_autocast_dtype(kDevices[i]);
    }
    state.caches_ = at::autocast::is_autocast_cache_enabled();
    return state;
  }

  void apply() const {
    for (std::size_t i = 0; i < kDevices.size(); ++i) {
      at::autocast::set_autocast_enabled(kDevices[i], enabled_[i]);
      at::autocast::set_autocast_dtype(kDevices[i], types_[i]);
    }
    at::autocast::set_autocast_cache_enabled(caches_);
  }

  /// A weight that is cast without gradients and cached would pass none on to whoever uses it next.
  AutocastState without_cache() const {
    AutocastState state = *this;
    state.caches_ = false;
    return state;
  }

 private:
  static constexpr std::array<at::DeviceType, 2> kDevices{at::kCPU, at::kCUDA};
  std::array<bool, 2> enabled_{};
  std::array<at::ScalarType, 2> types_{};
  bool caches_ = true;
};

class AutocastGuard {
 public:
  explicit AutocastGuard(const AutocastState& state) : before_(AutocastState::of_this_thread()) { state.apply(); }
  ~AutocastGuard() { before_.apply(); }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  AutocastState before_;
};

std::vector<at::Tensor> copies_of(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors) {
    copies.push_back(tensor.detach().clone());
  }
  return copies;
}

/// Without touching the version that backward compares: the outer graph may have kept the buffers.
void overwrite(const std::vector<at::Tensor>& buffers, const std::vector<at::Tensor>& values) {
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].variable_data().copy_(values[i]);
  }
}

/// Gives buffers the values of an earlier time, and at its end those of now again.
class BuffersOfBefore {
 public:
  BuffersOfBefore(const std::vector<at::Tensor>& buffers, const std::vector<at::Tensor>& before)
      : buffers_(buffers), now_(copies_of(buffers)) {
    overwrite(buffers_, before);
  }
  ~BuffersOfBefore() { overwrite(buffers_, now_); }
  BuffersOfBefore(const BuffersOfBefore&) = delete;
  BuffersOfBefore& operator=(const BuffersOfBefore&) = delete;

 private:
  const std::vector<at::Tensor>& buffers_;
  std::vector<at::Tensor> now_;
};

/// Each tensor once, whatever its names.
std::vector<at::Tensor> distinct(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> once;
  std::unordered_set<const void*> seen;
  for (const at::Tensor& tensor : tensors) {
    if (seen.insert(tensor.unsafeGetTensorImpl()).second) {
      once.push_back(tensor);
    }
  }
  return once;
}

/// One run of a segment, with all that it takes to run it again.
struct Run : torch::CustomClassHolder {
  Segment forward;
  std::vector<std::shared_ptr<torch::nn::Module>> modules;  // kept alive
  std::vector<at::Tensor> buffers;
  std::vector<at::Tensor> buffers_before;
  std::optional<RandomContext> random;
  AutocastState autocast;
  parallel::Group* joined = nullptr;  // of a SyncBatchNormScope
  std::size_t inputs = 0;

  /// The outputs once more, with a graph. `detached`: the inputs as leaves.
  std::vector<at::Tensor> repeat(const std::vector<at::Tensor>& detached) const {
    const at::AutoGradMode with_gradients(true);
    const AutocastGuard cast(autocast);
    const SyncBatchNormScope batch_norms(joined);
    std::optional<RandomScope> scope;
    if (random) {
      scope.emplace(*random);
    }
    return forward(detached);
  }
};

std::vector<at::Tensor> detach_all(const at::Tensor* begin, const at::Tensor* end) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor* tensor = begin; tensor != end; ++tensor) {
    leaves.push_back(tensor->detach().requires_grad_(tensor->requires_grad()));
  }
  return leaves;
}

class Checkpoint : public torch::autograd::Function<Checkpoint> {
 public:
  using Context = torch::autograd::AutogradContext;

  /// inputs: those of the segment, then the parameters that it uses.
  static torch::autograd::variable_list forward(Context* context, const c10::intrusive_ptr<Run>& run,
                                                at::TensorList inputs) {
    context->save_for_backward(inputs.vec());
    context->saved_data["run"] = c10::IValue::make_capsule(run);
    context->set_materialize_grads(false);
    return run->forward({inputs.begin(), inputs.begin() + run->inputs});
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& gradients) {
    LOCKSTEP_ASSERT(!at::GradMode::is_enabled(), "a checkpointed segment has no second derivative");
    const auto run = c10::static_intrusive_pointer_cast<Run>(context->saved_data["run"].toCapsule());
    const torch::autograd::variable_list saved = context->get_saved_variables();
    std::vector<at::Tensor> leaves = detach_all(saved.data(), saved.data() + run->inputs);

    const BuffersOfBefore buffers(run->buffers, run->buffers_before);
    const std::vector<at::Tensor> outputs = run->repeat(leaves);
    leaves.insert(leaves.end(), saved.begin() + static_cast<std::ptrdiff_t>(run->inputs), saved.end());
    torch::autograd::variable_list of_leaves = gradients_of(outputs, gradients, leaves);
    of_leaves.insert(of_leaves.begin(), at::Tensor());  // for the run
    return of_leaves;
  }

 private:
  static torch::autograd::variable_list gradients_of(const std::vector<at::Tensor>& outputs,
                                                     const torch::autograd::variable_list& output_gradients,
                                                     const std::vector<at::Tensor>& leaves) {
    torch::autograd::variable_list roots;
    torch::autograd::variable_list root_gradients;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (output_gradients[i].defined() && outputs[i].requires_grad()) {
        roots.push_back(outputs[i]);
        root_gradients.push_back(output_gradients[i]);
      }
    }
    torch::autograd::variable_list wanted;
    for (const at::Tensor& leaf : leaves) {
      if (leaf.requires_grad()) {
        wanted.push_back(leaf);
      }
    }
    torch::autograd::variable_list result(leaves.size());
    if (roots.empty()) {
      return result;
    }
    const auto found = torch::autograd::grad(roots, wanted, root_gradients, /*retain_graph=*/std::nullopt,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t i = 0, next = 0; i < leaves.size(); ++i) {
      if (leaves[i].requires_grad()) {
        result[i] = found[next++];
      }
    }
    return result;
  }
};

}  // namespace

std::vector<at::Tensor> checkpointed(const std::vector<std::shared_ptr<torch::nn::Module>>& modules,
                                     const std::vector<at::Tensor>& inputs, Segment forward) {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> buffers;
  for (const auto& module : modules) {
    for (const at::Tensor& parameter : module->parameters()) {
      if (parameter.requires_grad()) {
        parameters.push_back(parameter);
      }
    }
    const std::vector<at::Tensor> of_module = module->buffers();
    buffers.insert(buffers.end(), of_module.begin(), of_module.end());
  }
  const bool wanted =
      !parameters.empty() || std::ranges::any_of(inputs, [](const at::Tensor& input) { return input.requires_grad(); });
  if (!at::GradMode::is_enabled() || !wanted) {
    return forward(inputs);
  }

  auto run = c10::make_intrusive<Run>();
  run->forward = std::move(forward);
  run->modules = modules;
  run->buffers = distinct(buffers);
  run->buffers_before = copies_of(run->buffers);
  run->random = RandomScope::innermost_context();
  run->autocast = AutocastState::of_this_thread().without_cache();
  run->joined = SyncBatchNormScope::innermost_group();
  run->inputs = inputs.size();
  const AutocastGuard cast(run->autocast);
  std::vector<at::Tensor> all = inputs;
  const std::vector<at::Tensor> once = distinct(parameters);
  all.insert(all.end(), once.begin(), once.end());
  return Checkpoint::apply(run, at::TensorList(all));
}

at::Tensor checkpointed(const std::shared_ptr<torch::nn::Module>& module, const at::Tensor& input,
                        std::function<at::Tensor(const at::Tensor&)> forward) {
  const auto of_lists = [forward = std::move(forward)](const std::vector<at::Tensor>& inputs) {
    return std::vector<at::Tensor>{forward(inputs.front())};
  };
  return checkpointed(std::vector{module}, std::vector{input}, of_lists).front();
}

}  // namespace lockstep::nn
