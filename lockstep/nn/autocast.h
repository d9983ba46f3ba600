#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>

namespace lockstep::nn {

/// Lets the operators of the calling thread compute in a smaller type where that is safe, for as long as it lives: the
/// autocast of PyTorch, with its lists of operators. Weights stay in float32. Without a type it changes nothing.
class AutocastScope {
 public:
  /// `type`: at::kBFloat16, at::kHalf, or none.
  AutocastScope(c10::DeviceType device, std::optional<c10::ScalarType> type);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool active_;
  bool was_enabled_ = false;
  bool was_cached_ = false;
  c10::ScalarType type_before_ = c10::ScalarType::Float;
};

}  // namespace lockstep::nn
