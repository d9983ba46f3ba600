#include "lockstep/train/input.h"

#include "lockstep/base/probe.h"
#include "lockstep/train/page_locked.h"

namespace lockstep::train {

Input::Input(const Plan& plan, const parallel::World& world, int decode_threads, const checkpoint::State& state) {
  data::LoaderOptions loading;
  loading.seed = plan.options.seed;
  loading.shuffle = true;
  loading.prefetch_factor = static_cast<int>(plan.options.prefetch_factor);
  loading.first_epoch = static_cast<std::uint64_t>(state.epoch);
  loading.first_step = static_cast<std::uint64_t>(state.step_in_epoch);
  loading.end_epoch = static_cast<std::uint64_t>(plan.options.epochs);
  if (world.place) {
    loading.only_rank = world.first_rank;
  }
  loading.bad_samples = plan.bad_samples;
  loading.memory = &host_memory_for(world.devices.front());
  pool_.emplace(decode_threads);
  loader_.emplace(*pool_, plan.task.training_set(), run_plan(plan.stages), loading);
}

Input::~Input() {
  const ProbeScope probe("end of loading");
  loader_.reset();
  pool_.reset();
}

}  // namespace lockstep::train
