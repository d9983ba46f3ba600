#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/data/volume_store.h"
#include "lockstep/tasks/surface/model.h"
#include "lockstep/tasks/surface/sliding_window.h"

namespace lockstep::tasks::surface {

/// Windows of a volume, normalised as patches are in training.
SlidingWindow::Read windows_of(const data::StoredVolume& volume);

/// The probabilities of a volume as levels of 0 … 255, (depth, height, width), for worker 0 of `share`; empty for the
/// others, who do their part. Called in evaluation mode.
std::vector<std::uint8_t> predict_levels(SurfaceModel& model, at::Device device, const data::StoredVolume& volume,
                                         const WindowOptions& options, bool flips, const WindowShare& share);

}  // namespace lockstep::tasks::surface
