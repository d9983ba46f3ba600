#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <optional>
#include <string>

namespace lockstep::train {

/// In what a run computes: "fp32", "bf16" or "fp16".
struct Precision {
  std::string name = "fp32";

  /// What operators are cast to where that is safe; none for fp32.
  std::optional<c10::ScalarType> autocast_type() const;

  /// fp16 cannot hold small gradients: the loss is scaled.
  bool scales_loss() const { return name == "fp16"; }
};

/// What `--precision` asks for. "auto" takes what the device computes fastest: bf16 on GPUs from Ampere on and on
/// processors with instructions for it, fp16 on older GPUs, else fp32. Throws UsageError for other words.
Precision choose_precision(const std::string& asked_for, c10::Device device);

}  // namespace lockstep::train
