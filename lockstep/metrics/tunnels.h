#pragma once

#include <cstdint>
#include <span>

#include "lockstep/media/volume.h"

namespace lockstep::metrics {

/// The matched features of dimension 1 of match_betti(); `together` is the union of both volumes.
std::int64_t matched_tunnels(std::span<const std::uint8_t> prediction, std::span<const std::uint8_t> truth,
                             std::span<const std::uint8_t> together, const media::VolumeShape& shape);

}  // namespace lockstep::metrics
