#pragma once

#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/nn/module.h>

#include <memory>
#include <optional>
#include <string>

namespace lockstep::train {

/// An operation of a network, and where in it that is.
struct Place {
  std::string operation;  ///< "aten::layer_norm"; in backward the one whose gradient was computed
  std::string module;     ///< "backbone.stages.2.norm"; empty before the first
  bool takes_parameter =
      false;  ///< of that module; else the module is the last one before it that came with a parameter
  std::string broken_parameter;  ///< of those that it takes, the first that is itself not finite, such as "weight"
};

/// Looks at the result of every operation, while it lives, of the calling thread and of backward on its behalf,
/// whatever thread of a device that is on. LibTorch's modules have no hooks in C++, so an operation is known by the
/// parameter that it takes. What a function of our own computes without an operation shows in the result of the one
/// behind it. Each result is waited for: this is slow on a GPU.
class ResultWatch {
 public:
  explicit ResultWatch(const torch::nn::Module& network);
  ~ResultWatch();
  ResultWatch(const ResultWatch&) = delete;
  ResultWatch& operator=(const ResultWatch&) = delete;

  /// The first operation since this was last asked whose result was not finite. Infinities that are meant to be there,
  /// which come from an operation that was given one as a number (as a mask before a softmax is), do not count until
  /// they become something that is not a number.
  std::optional<Place> take_first();

 private:
  std::shared_ptr<c10::DebugInfoBase> observer_;
  c10::DebugInfoGuard guard_;  ///< travels with the calls to the threads of devices
  at::CallbackHandle callback_;
};

}  // namespace lockstep::train
