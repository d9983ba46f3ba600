#include "lockstep/train/replica.h"

#include <torch/torch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/nn/sync_batch_norm.h"
#include "lockstep/train/replica_options.h"

namespace lockstep::train {
namespace {

std::optional<std::uint64_t> seed_for(InitialWeights weights, const TrainOptions& options) {
  return weights == InitialWeights::kDrawn ? std::optional(options.seed) : std::nullopt;
}

std::map<std::string, at::Tensor> by_name(const std::vector<std::pair<std::string, at::Tensor>>& tensors) {
  return {tensors.begin(), tensors.end()};
}

/// The first rank's tensors of the names and shapes of these, on the device; zeros where it has none. Those of whole
/// numbers are left out. Collective.
checkpoint::NamedTensors tensors_of_first(parallel::Rank& rank, const checkpoint::NamedTensors& own,
                                          const checkpoint::NamedTensors* of_first) {
  const auto kept = of_first != nullptr ? by_name(*of_first) : std::map<std::string, at::Tensor>();
  checkpoint::NamedTensors values;
  for (const auto& [name, tensor] : own) {
    if (!tensor.is_floating_point()) {
      continue;
    }
    const at::Tensor value = at::zeros(tensor.sizes(), at::TensorOptions(rank.device).dtype(at::kFloat));
    if (const auto found = kept.find(name); found != kept.end()) {
      value.copy_(found->second);
    }
    rank.group.broadcast(value, 0);
    values.emplace_back(name, value);
  }
  return values;
}

/// Copies tensors into those of the same names.
void put(const checkpoint::NamedTensors& values, const checkpoint::NamedTensors& into) {
  const auto targets = by_name(into);
  for (const auto& [name, value] : values) {
    targets.at(name).copy_(value);
  }
}

}  // namespace

Replica::Replica(const tasks::Task& task, const TrainOptions& options, parallel::Rank& rank, InitialWeights weights)
    : options_(options), rank_(rank), model_(task.make_model(seed_for(weights, options))) {
  model_->network().to(rank.device);
  for (const auto& item : model_->network().named_parameters()) {
    if (!item.value().requires_grad()) {
      always_frozen_.insert(item.key());
    }
  }
  if (options.ema_decay > 0) {
    const checkpoint::LoadOptions all{.source = "the model", .prefix = "", .everything = true};
    shadow_ = task.make_model(/*seed=*/std::nullopt);
    shadow_->network().to(rank.device);
    checkpoint::load_weights(shadow_->network(), checkpoint::named_weights(model_->network()), all);
  }
  if (options.sync_batch_norm) {
    if (nn::count_batch_norms(model_->network()) == 0) {
      throw UsageError("--sync-bn: this network has no batch norm", "leave out --sync-bn");
    }
    batch_norm_group_ = rank.group.make_twin();
  }
}

void Replica::set_memory_format(at::MemoryFormat format) {
  model_->set_memory_format(format);
  if (shadow_) {
    shadow_->set_memory_format(format);
  }
}

void Replica::enter(const Stage& stage, std::int64_t epoch, std::int64_t step_in_epoch) {
  const std::vector<std::string> frozen = frozen_prefixes(stage, epoch, *model_);
  const bool stage_begins = epoch == stage.first_epoch && step_in_epoch == 0;
  if (arena_ && !stage_begins && frozen == frozen_) {
    return;
  }
  OptimizerState state = optimizer_ ? by_name(optimizer_->state()) : std::exchange(loaded_state_, {});
  if (stage_begins) {
    state.clear();
  }
  const bool is_new = !optimizer_ && !is_resumed_;  // with weights from elsewhere, in the middle of a stage, too
  const bool thaws = step_in_epoch == 0 && frozen != frozen_prefixes(stage, epoch - 1, *model_);
  freeze(frozen);
  std::vector<parallel::ArenaParameter> parameters = trainable_parameters();
  const std::vector<parallel::ArenaParameter> ordered = in_landing_order(parameters);
  order_is_measured_ = !ordered.empty();
  std::ranges::reverse(parameters);  // backward starts where forward ends, which is mostly what was built last
  lay(order_is_measured_ ? ordered : parameters, state,
      stage_begins || thaws || is_new ? optim::Missing::kFresh : optim::Missing::kError);
}

void Replica::follow_landing_order() {
  if (order_is_measured_) {
    return;
  }
  landing_order_ = parallel::agree_on_landing_order(*arena_, rank_.group);
  const std::vector<parallel::ArenaParameter> ordered = in_landing_order(trainable_parameters());
  order_is_measured_ = !ordered.empty();
  if (order_is_measured_) {
    lay(ordered, by_name(optimizer_->state()), optim::Missing::kError);
  }
}

/// Nothing where the order is that of other parameters.
std::vector<parallel::ArenaParameter> Replica::in_landing_order(
    const std::vector<parallel::ArenaParameter>& parameters) const {
  std::map<std::string, parallel::ArenaParameter> left;
  for (const parallel::ArenaParameter& parameter : parameters) {
    left.emplace(parameter.name, parameter);
  }
  std::vector<parallel::ArenaParameter> ordered;
  for (const std::string& name : landing_order_) {
    const auto found = left.extract(name);
    if (found.empty()) {
      return {};
    }
    ordered.push_back(found.mapped());
  }
  return left.empty() ? ordered : std::vector<parallel::ArenaParameter>();
}

void Replica::freeze(const std::vector<std::string>& prefixes) {
  for (const auto& item : model_->network().named_parameters()) {
    const bool is_frozen =
        always_frozen_.contains(item.key()) ||
        std::ranges::any_of(prefixes, [&](const auto& prefix) { return item.key().starts_with(prefix); });
    item.value().set_requires_grad(!is_frozen);
  }
  frozen_ = prefixes;
}

void Replica::share_buffers() {
  const at::NoGradGuard no_grad;
  for (tasks::Model* model : {model_.get(), shadow_.get()}) {
    if (model == nullptr) {
      continue;
    }
    for (const at::Tensor& buffer : model->network().buffers()) {
      // Those of whole numbers count steps, which are the same on every rank.
      if (buffer.is_floating_point()) {
        at::Tensor values = buffer.to(at::kFloat).contiguous();
        rank_.group.broadcast(values, 0);
        buffer.copy_(values);
      }
    }
  }
}

void Replica::remember_counts() {
  model_->remember_statistics();
  const std::vector<at::Tensor> buffers = model_->network().buffers();
  if (std::ranges::none_of(buffers, &at::Tensor::is_floating_point)) {
    return;
  }
  const at::NoGradGuard no_grad;
  if (remembered_buffers_.empty()) {
    std::ranges::transform(buffers, std::back_inserter(remembered_buffers_),
                           [](const at::Tensor& buffer) { return buffer.clone(); });
  } else {
    at::_foreach_copy_(remembered_buffers_, buffers);
  }
}

void Replica::restore_counts() {
  model_->restore_statistics();
  if (!remembered_buffers_.empty()) {
    const at::NoGradGuard no_grad;
    at::_foreach_copy_(model_->network().buffers(), remembered_buffers_);
  }
}

std::vector<parallel::ArenaParameter> Replica::trainable_parameters() const {
  std::vector<parallel::ArenaParameter> parameters;
  for (const auto& item : model_->network().named_parameters()) {
    if (item.value().requires_grad()) {
      parameters.push_back({item.key(), item.value(), option_group(item.value())});
    }
  }
  return parameters;
}

void Replica::lay(const std::vector<parallel::ArenaParameter>& parameters, const OptimizerState& state,
                  optim::Missing missing) {
  ema_.reset();
  optimizer_.reset();
  sync_.reset();
  arena_.reset();  // the old hooks must be gone before gradients land in the new one
  arena_ = std::make_unique<parallel::Arena>(parameters, bucket_bytes(options_, parameters));
  sync_ = std::make_unique<parallel::GradientSync>(*arena_, rank_.group);
  optimizer_ = std::make_unique<optim::Optimizer>(*arena_, optimizer_options(options_));
  optimizer_->load_state(state, missing);
  if (shadow_) {
    ema_ = std::make_unique<optim::Ema>(*arena_, model_->network(), shadow_->network(), ema_options(options_));
  }
  // Replicas that can see each other keep one copy of what is the same in all of them, and share the work on it.
  if (arena_->share_values(rank_.group)) {
    optimizer_->share_out(rank_.group);
    if (ema_) {
      ema_->share(rank_.group);
    }
  }
}

checkpoint::Snapshot Replica::snapshot(const checkpoint::State& state) {
  // A run that resumes with an evaluation is saved before its first step.
  const checkpoint::NamedTensors optimizer =
      optimizer_ ? optimizer_->state() : checkpoint::NamedTensors(loaded_state_.begin(), loaded_state_.end());
  checkpoint::Snapshot snapshot{state, checkpoint::named_weights(model_->network()), {}, optimizer};
  if (shadow_) {
    snapshot.ema = checkpoint::named_weights(shadow_->network());
  }
  snapshot.state.landing_order = landing_order_;
  return snapshot;
}

checkpoint::LoadReport Replica::take(const checkpoint::WeightsFile& file) {
  const checkpoint::LoadOptions matching{.source = file.path.string(), .prefix = model_->backbone_prefix()};
  if (shadow_) {
    checkpoint::load_weights(shadow_->network(), file.tensors, matching);
  }
  return checkpoint::load_weights(model_->network(), file.tensors, matching);
}

void Replica::load(const checkpoint::Snapshot& snapshot) {
  const checkpoint::LoadOptions all{.source = "the snapshot", .prefix = "", .everything = true};
  checkpoint::load_weights(model_->network(), snapshot.model, all);
  if (shadow_) {
    checkpoint::load_weights(shadow_->network(), snapshot.ema, all);
  }
  loaded_state_ = by_name(snapshot.optimizer);
  is_resumed_ = true;
  landing_order_ = snapshot.state.landing_order;
}

void Replica::take_back(const checkpoint::Snapshot* of_first) {
  const at::NoGradGuard no_grad;
  const checkpoint::Snapshot own = snapshot({});
  const bool has_them = of_first != nullptr;
  const auto model = tensors_of_first(rank_, own.model, has_them ? &of_first->model : nullptr);
  const auto ema = tensors_of_first(rank_, own.ema, has_them ? &of_first->ema : nullptr);
  const auto optimizer = tensors_of_first(rank_, own.optimizer, has_them ? &of_first->optimizer : nullptr);
  // One rank after the other, since they may keep these in the same memory.
  for (int turn = 0; turn < rank_.world_size; ++turn) {
    if (turn == rank_.index) {
      put(model, own.model);
      put(ema, own.ema);
      optimizer_->load_state(by_name(optimizer), optim::Missing::kError);
    }
    rank_.group.barrier();
  }
}

}  // namespace lockstep::train
