#include "lockstep/nn/autocast.h"

#include <ATen/autocast_mode.h>

namespace lockstep::nn {

AutocastScope::AutocastScope(c10::DeviceType device, std::optional<c10::ScalarType> type)
    : device_(device), active_(type.has_value()) {
  if (active_) {
    was_enabled_ = at::autocast::is_autocast_enabled(device_);
    type_before_ = at::autocast::get_autocast_dtype(device_);
    was_cached_ = at::autocast::is_autocast_cache_enabled();
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, *type);
    // The cache of cast weights belongs to all threads: one rank that clears it would change where another's gradients
    // are added up, and with that their bits.
    at::autocast::set_autocast_cache_enabled(false);
  }
}

AutocastScope::~AutocastScope() {
  if (active_) {
    at::autocast::set_autocast_enabled(device_, was_enabled_);
    at::autocast::set_autocast_dtype(device_, type_before_);
    at::autocast::set_autocast_cache_enabled(was_cached_);
  }
}

}  // namespace lockstep::nn
