#pragma once

#include <c10/core/MemoryFormat.h>

#include <string>

namespace lockstep::train {

/// How images lie in memory inside the network: "channels-last" or "contiguous". It changes results by rounding only.
struct MemoryFormat {
  std::string name = "channels-last";

  /// The same as LibTorch calls it.
  c10::MemoryFormat of_tensors() const;
};

/// What `--memory-format` asks for. "auto" is channels last: convolutions and norms over the channels then read what
/// belongs together. Throws UsageError for other words.
MemoryFormat choose_memory_format(const std::string& asked_for);

}  // namespace lockstep::train
