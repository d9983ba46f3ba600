#pragma once

#include <memory>

#include "lockstep/data/bad_samples.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tune {

/// The same task with other samples to train on, in the same layout. The task must outlive it.
std::unique_ptr<tasks::Task> make_task_with(const tasks::Task& task, std::shared_ptr<const data::Dataset> samples);

/// The same task with training samples that cost nothing: `count` of them are loaded once, and stand for all. Steps
/// over them show what the ranks can do with their data at hand. Those that cannot be read are left out and noted in
/// `bad_samples`; null: an error. The task must outlive it; throws what its dataset throws, and DataError where none of
/// the samples can be read.
std::unique_ptr<tasks::Task> make_canned_task(const tasks::Task& task, std::size_t count, std::uint64_t seed,
                                              data::BadSamples* bad_samples = nullptr);

}  // namespace lockstep::tune
