#include "lockstep/train/memory_format.h"

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

c10::MemoryFormat MemoryFormat::of_tensors() const {
  return name == "contiguous" ? c10::MemoryFormat::Contiguous : c10::MemoryFormat::ChannelsLast;
}

MemoryFormat choose_memory_format(const std::string& asked_for) {
  if (asked_for == "auto") {
    return {"channels-last"};
  }
  if (asked_for != "channels-last" && asked_for != "contiguous") {
    throw UsageError(text("--memory-format '", asked_for, "' is not known"), "give auto, channels-last or contiguous");
  }
  return {asked_for};
}

}  // namespace lockstep::train
