#include "lockstep/train/sweep.h"

#include <torch/torch.h>

#include "lockstep/data/batch.h"
#include "lockstep/data/batch_plan.h"
#include "lockstep/data/loader.h"
#include "lockstep/train/device_batch.h"
#include "lockstep/train/evaluation_mode.h"

namespace lockstep::train {
namespace {

void visit_prepared(tasks::Model& model, data::Batch& batch, c10::Device device,
                    const std::function<void(const tasks::DeviceBatch&)>& visit) {
  tasks::DeviceBatch on_device = to_device(batch, device);
  model.prepare(on_device);
  visit(on_device);
}

}  // namespace

bool sweep(const parallel::Rank& rank, const data::Dataset& set, tasks::Model& model, data::DecodePool& pool,
           const SweepOptions& options, const std::function<void(const tasks::DeviceBatch&)>& visit) {
  data::BatchOptions batches;
  batches.per_rank_batch = static_cast<std::uint64_t>(options.batch_size);
  const data::BatchPlan plan = data::plan_batches(batches, set.size(), rank.world_size);
  data::LoaderOptions loading;
  loading.shuffle = false;
  loading.end_epoch = 1;
  loading.only_rank = rank.index;
  loading.bad_samples = options.bad_samples;
  data::Loader loader(pool, set, plan, loading);

  const EvaluationMode mode(model.network(), rank.device, options.precision);
  for (std::uint64_t step = 0; step < plan.steps_per_epoch(); ++step) {
    const std::size_t passes = plan.passes(step, rank.index).size();
    for (std::size_t pass = 0; pass < passes; ++pass) {
      if (options.leave && options.leave()) {
        return false;
      }
      data::Batch batch = loader.next(rank.index);
      if (batch.size() > 0) {
        visit_prepared(model, batch, rank.device, visit);
      }
      loader.recycle(std::move(batch));
    }
  }
  return true;
}

void visit_samples(const parallel::Rank& rank, const data::Dataset& set, tasks::Model& model,
                   const std::vector<std::uint64_t>& indices, const SweepOptions& options,
                   const std::function<void(const tasks::DeviceBatch&)>& visit) {
  std::vector<data::Draw> draws;
  for (const std::uint64_t index : indices) {
    draws.push_back({0, 0, index, index});
  }
  data::Batch batch = data::load_batch(set, draws, options.bad_samples);
  const EvaluationMode mode(model.network(), rank.device, options.precision);
  if (batch.size() > 0) {
    visit_prepared(model, batch, rank.device, visit);
  }
}

}  // namespace lockstep::train
