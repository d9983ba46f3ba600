#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/bad_samples.h"
#include "lockstep/data/decode_pool.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/precision.h"
#include "lockstep/train/sweep.h"

namespace lockstep::train {

using Metrics = std::map<std::string, double>;

/// What the forward passes of a model have counted, by name.
using Statistics = std::map<std::string, double>;

/// The metrics of a model over the task's evaluation set, each sample counted once. Collective: every rank scores its
/// share, and all get the same numbers. Sums are taken in the order of the set, whoever scored a sample. A sample that
/// cannot be read is not counted and noted in `bad_samples`; without them it is an error. Throws DataError, on all
/// ranks, where none can be read.
Metrics evaluate(parallel::Rank& rank, const tasks::Task& task, tasks::Model& model, data::DecodePool& pool,
                 std::int64_t batch_size, const Precision& precision, data::BadSamples* bad_samples = nullptr);

/// The same, for who may have to leave in the middle of it: gives nothing, on all ranks, where one of them has left.
std::optional<Metrics> evaluate_or_leave(parallel::Rank& rank, const tasks::Task& task, tasks::Model& model,
                                         data::DecodePool& pool, const SweepOptions& options);

/// The model's statistics since they were last taken, summed over all ranks. Collective.
Statistics gather_statistics(parallel::Group& group, tasks::Model& model);

/// Where the time of every rank went. Collective.
std::vector<observe::PartSeconds> gather_times(parallel::Group& group, const observe::PartSeconds& own);

/// What the model makes of `count` samples spread over the evaluation set, `bad_samples` left out as in `evaluate`;
/// fewer where `leave`, which is asked every few of them, says so. Not collective.
std::vector<tasks::Example> illustrate(const parallel::Rank& rank, const tasks::Task& task, tasks::Model& model,
                                       std::size_t count, data::BadSamples* bad_samples = nullptr,
                                       const std::function<bool()>& leave = {});

}  // namespace lockstep::train
