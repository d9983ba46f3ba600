#pragma once

#include <memory>

#include "lockstep/tasks/task.h"

namespace lockstep::tune {

/// The same task with training samples that cost nothing: `count` of them are loaded once, and stand for all. Steps
/// over them show what the ranks can do with their data at hand. The task must outlive it; throws what its dataset
/// throws.
std::unique_ptr<tasks::Task> make_canned_task(const tasks::Task& task, std::size_t count, std::uint64_t seed);

}  // namespace lockstep::tune
