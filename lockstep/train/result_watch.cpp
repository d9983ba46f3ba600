#include "lockstep/train/result_watch.h"

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace lockstep::train {
namespace {

/// LibTorch itself puts nothing there.
constexpr c10::DebugInfoKind kWatchKind = c10::DebugInfoKind::TEST_INFO;

/// Operations that are under way in this thread, one within the other.
thread_local int open_operations = 0;

struct WatchedParameter {
  std::string module;
  std::string name;  ///< within the module
  at::Tensor tensor;

  bool holds(const at::Tensor& tensor_of_it) const {
    const auto* begin = static_cast<const std::byte*>(tensor.const_data_ptr());
    const auto* place = static_cast<const std::byte*>(tensor_of_it.const_data_ptr());
    return begin <= place && place < begin + tensor.nbytes();
  }
};

/// From the start of an operation to its end.
struct OperationUnderWay : at::ObserverContext {
  bool is_outermost = false;
  Place place;
  std::vector<const WatchedParameter*> parameters;
  bool takes_infinity = false;  ///< on purpose
};

std::vector<WatchedParameter> parameters_of(const torch::nn::Module& network) {
  std::vector<WatchedParameter> parameters;
  for (const auto& item : network.named_parameters()) {
    const std::size_t dot = item.key().rfind('.');
    const bool is_of_root = dot == std::string::npos;
    if (item.value().numel() > 0) {
      parameters.push_back({is_of_root ? "the network itself" : item.key().substr(0, dot),
                            is_of_root ? item.key() : item.key().substr(dot + 1), item.value().detach()});
    }
  }
  return parameters;
}

template <typename Values, typename Use>
void for_each_tensor(const Values& values, const Use& use) {
  const auto use_defined = [&](const at::Tensor& tensor) {
    if (tensor.defined() && tensor.layout() == at::kStrided && tensor.numel() > 0) {
      use(tensor);
    }
  };
  for (const c10::IValue& value : values) {
    if (value.isTensor()) {
      use_defined(value.toTensor());
    } else if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) {
        use_defined(tensor);
      }
    }
  }
}

bool has_only_finite(const at::Tensor& tensor) {
  return !tensor.is_floating_point() || at::isfinite(tensor).all().item<bool>();
}

/// Whether the results of an operation are memory that nobody has written yet, or another look at what was there
/// before.
bool gives_nothing_new(const at::RecordFunction& function) {
  const std::string name = function.name();
  if (name.find("empty") != std::string::npos || name.starts_with("aten::resize")) {
    return true;
  }
  const auto schema = function.operator_schema();
  if (!schema || schema->returns().empty()) {
    return false;
  }
  const c10::AliasInfo* alias = schema->returns().front().alias_info();
  return alias != nullptr && !alias->isWrite();
}

class ResultObserver : public c10::DebugInfoBase {
 public:
  explicit ResultObserver(const torch::nn::Module& network) : parameters_(parameters_of(network)) {}

  static std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
    auto* observer = static_cast<ResultObserver*>(c10::ThreadLocalDebugInfo::get(kWatchKind));
    return observer != nullptr ? observer->begin_one(function) : nullptr;
  }

  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    auto* observer = static_cast<ResultObserver*>(c10::ThreadLocalDebugInfo::get(kWatchKind));
    if (observer != nullptr && context != nullptr) {
      observer->end_one(function, static_cast<OperationUnderWay&>(*context));
    }
  }

  std::optional<Place> take_first() {
    const std::lock_guard lock(mutex_);
    return std::exchange(first_, {});
  }

 private:
  std::unique_ptr<at::ObserverContext> begin_one(const at::RecordFunction& function) {
    const std::lock_guard lock(mutex_);
    if (function.scope() == at::RecordScope::BACKWARD_FUNCTION) {
      enter_node(function);
      return nullptr;
    }
    if (!function.operator_name()) {
      return nullptr;  // a frame of the autograd engine
    }
    auto operation = std::make_unique<OperationUnderWay>();
    operation->is_outermost = open_operations++ == 0;
    if (operation->is_outermost) {
      look_at_inputs(function, *operation);
    }
    if (!in_backward_ && function.seqNr() >= 0) {
      nodes_.try_emplace(function.seqNr(), here_);  // an operation's nodes may be made by those within it
    }
    return operation;
  }

  /// From now on operations are those of a node of the graph.
  void enter_node(const at::RecordFunction& node) {
    in_backward_ = true;
    auto found = nodes_.upper_bound(node.seqNr());
    here_ = found == nodes_.begin() ? Place() : (--found)->second;
    if (found == nodes_.end() || found->first != node.seqNr()) {
      here_.operation = node.name();  // made by a function of our own
      here_.takes_parameter = false;
    }
  }

  void look_at_inputs(const at::RecordFunction& function, OperationUnderWay& operation) {
    if (!in_backward_) {
      here_.operation = function.name();
      here_.takes_parameter = false;
    }
    for (const c10::IValue& value : function.inputs()) {
      operation.takes_infinity |= value.isDouble() && !std::isfinite(value.toDouble());
    }
    for_each_tensor(function.inputs(), [&](const at::Tensor& tensor) {
      operation.takes_infinity |= infinite_.contains(tensor.storage().unsafeGetStorageImpl());
      for (const WatchedParameter& parameter : parameters_) {
        if (parameter.holds(tensor)) {
          operation.parameters.push_back(&parameter);
        }
      }
    });
    if (!in_backward_ && !operation.parameters.empty()) {
      here_.module = operation.parameters.front()->module;
      here_.takes_parameter = true;
    }
    operation.place = here_;
  }

  void end_one(const at::RecordFunction& function, const OperationUnderWay& operation) {
    --open_operations;
    const std::lock_guard lock(mutex_);
    if (first_ || !operation.is_outermost) {
      return;
    }
    const at::DisableRecordFunctionGuard unobserved;
    const at::NoGradGuard no_grad;
    for_each_tensor(function.outputs(), [&](const at::Tensor& result) {
      if (first_ || has_only_finite(result) || gives_nothing_new(function)) {
        return;
      }
      if (operation.takes_infinity && !at::isnan(result).any().item<bool>()) {
        infinite_.emplace(result.storage().unsafeGetStorageImpl(), result);
        return;
      }
      first_ = operation.place;
      for (const WatchedParameter* parameter : operation.parameters) {
        if (first_->broken_parameter.empty() && !has_only_finite(parameter->tensor)) {
          first_->broken_parameter = parameter->name;
        }
      }
    });
  }

  std::mutex mutex_;  // a device's thread works while the rank's own waits, but they may take turns
  const std::vector<WatchedParameter> parameters_;
  bool in_backward_ = false;
  Place here_;
  std::map<std::int64_t, Place> nodes_;                     ///< by sequence number
  std::map<const c10::StorageImpl*, at::Tensor> infinite_;  ///< kept, so that no other tensor comes to lie there
  std::optional<Place> first_;
};

}  // namespace

ResultWatch::ResultWatch(const torch::nn::Module& network)
    : observer_(std::make_shared<ResultObserver>(network)),
      guard_(kWatchKind, observer_),
      callback_(
          at::addThreadLocalCallback(at::RecordFunctionCallback(&ResultObserver::begin, &ResultObserver::end)
                                         .needsInputs(true)
                                         .needsOutputs(true)
                                         .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}))) {}

ResultWatch::~ResultWatch() { at::removeCallback(callback_); }

std::optional<Place> ResultWatch::take_first() { return static_cast<ResultObserver&>(*observer_).take_first(); }

}  // namespace lockstep::train
