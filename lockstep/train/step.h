#pragma once

#include "lockstep/checkpoint/state.h"
#include "lockstep/data/loader.h"
#include "lockstep/observe/step_timer.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/train/agreement.h"
#include "lockstep/train/first_non_finite.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/replica.h"

namespace lockstep::train {

/// Why a step was made once more, and how.
struct Retry {
  std::string failure;           ///< the ranks that ran out of memory
  std::int64_t micro_batch = 0;  ///< samples that go through the network at a time from then on
};

/// What became of a step.
struct StepOutcome {
  Verdict verdict;
  double learning_rate = 0;
  std::string phase;           ///< why the learning rate is what it is
  double gradient_norm = 0;    ///< before clipping; of the true gradients, whatever the loss was scaled by
  bool applied = false;        ///< whether the update was applied; not where loss or gradients are not finite
  bool scale_was_cut = false;  ///< fp16: the gradients were too large for the loss scale, which is lower now
  parallel::SyncReport sync;
  double mean_extent = 1;           ///< of the samples of the global batch, see tasks::Task::extent
  bool was_looked_into = false;     ///< whether a step that was not finite was done again, to see where …
  std::vector<NonFinite> findings;  ///< … and at most one of each rank
  std::vector<Retry> retries;       ///< those before what the rest tells

  /// Whether all samples were left out (see data::BadSamples): such a step moves nothing, and counts as nothing else.
  bool is_empty() const { return verdict.failure.empty() && verdict.samples == 0; }
};

/// What a rank wishes beside the step itself.
struct StepWishes {
  bool save = false;         ///< a snapshot afterwards
  bool end_of_time = false;  ///< an end, since the time is up
};

/// Consumes one global batch: on every rank forward and backward over its passes, then together reduce, agree, update.
/// Where nothing but a lack of memory in passes has come between, all ranks make their passes once more, in
/// micro-batches of half the size, until they fit: the same gradient but for rounding.
class Step {
 public:
  Step(parallel::Rank& rank, Replica& replica, data::Loader& loader, const Plan& plan);

  /// The step at `state`, in its stage; moves the loss scale in `state` on, and its micro-batch, which stays. A rank
  /// whose passes throw something other than a UserError contributes zeros; where they are not made once more, the step
  /// is not applied, and the verdict says why.
  StepOutcome run(const Stage& stage, checkpoint::State& state, const StepWishes& wishes);

  /// Whether the step that was run last came so far that it may have changed something beside gradients and buffers.
  bool update_has_begun() const { return update_has_begun_; }

  const observe::StepTimer& timer() const { return timer_; }
  observe::StepTimer& timer() { return timer_; }

 private:
  /// The rank's share of a step.
  struct Share {
    std::int64_t step;
    std::int64_t global_count;
    double loss_scale;
    double mean_extent;  ///< of the samples of the global batch
    std::size_t passes;
    std::size_t joined_passes;  ///< that all ranks make together; 0 where each makes its own number of them
    std::int64_t micro_batch;   ///< the most samples of a pass that go through the network at a time; 0: all
  };

  /// A pass that the loader was asked for.
  struct FetchedPass {
    std::vector<data::Draw> draws;
    bool is_there = false;  ///< else the loader has failed, and does not give it again
  };

  Share share_of(const Stage& stage, const checkpoint::State& state, double mean_extent) const;
  void attempt(const Share& share, const StepWishes& wishes, StepOutcome& outcome);
  bool prepare_retry(const Stage& stage, checkpoint::State& state, StepOutcome& outcome);
  void run_passes(const Share& share, Vote& vote);
  template <typename Action>
  bool survives(const Share& share, Vote& vote, const Action& action);
  void make_passes(const Share& share, Vote& vote);
  void run_pass(data::Batch& batch, const Share& share, bool is_last, Vote& vote);
  void run_piece(data::Batch& batch, const Share& share, Vote& vote);
  data::Batch next_batch(const Share& share, std::size_t pass);
  data::Batch fetch(const Share& share);
  data::Batch fetch_again(FetchedPass& pass);
  data::Batch empty_batch() const;
  void count_losses(const at::Tensor& losses, const data::Batch& batch, Vote& vote) const;
  void update(const Stage& stage, double loss_scale, checkpoint::State& state, StepOutcome& outcome);

  parallel::Rank& rank_;
  Replica& replica_;
  data::Loader& loader_;
  const Plan& plan_;
  observe::StepTimer timer_;
  bool update_has_begun_ = false;
  std::vector<FetchedPass> fetched_;  ///< of the step, so far
};

}  // namespace lockstep::train
