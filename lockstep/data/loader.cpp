#include "lockstep/data/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/epoch_order.h"
#include "lockstep/data/load_failure.h"
#include "lockstep/data/pass_sequence.h"

namespace lockstep::data {
namespace {

/// What the tasks of one loader share.
struct Work {
  const Dataset& dataset;
  const LoaderOptions options;
  std::mutex mutex{};  ///< guards what is handed over between threads
};

/// A batch that is being decoded, one sample a part.
class PendingBatch final : public PoolJob {
 public:
  PendingBatch(Work& work, std::condition_variable& ready) : work_(work), ready_(ready) {}

  /// To be called before the batch is submitted.
  void expect_all() {
    failures.reserve(batch.size());  // where memory has run out, there must be room to say so
    missing_.store(batch.size(), std::memory_order_relaxed);
  }

  /// Whether all samples have been dealt with. Looked at with the mutex held, so that `ready` is not missed.
  bool is_done() const { return missing_.load(std::memory_order_acquire) == 0; }

  Batch batch;
  std::vector<LoadFailure> failures;

 private:
  void run(std::size_t sample) noexcept override {
    load(sample);
    if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const std::lock_guard lock(work_.mutex);
      ready_.notify_all();
    }
  }

  void load(std::size_t sample) {
    const Draw& draw = batch.draws[sample];
    try {
      const ProbeScope probe("decode", work_.dataset.name(draw.index));
      const WorkScope work("other");  // than what has a scope of its own within
      work_.dataset.load(draw, slot_of(batch, sample));
    } catch (...) {
      LoadFailure failure = current_load_failure(sample, work_.dataset, draw.index);
      const std::lock_guard lock(work_.mutex);
      failures.push_back(std::move(failure));
    }
  }

  Work& work_;
  std::condition_variable& ready_;
  std::atomic<std::size_t> missing_ = 0;
};

/// What is ahead of one rank: a ring of batches.
struct Lane {
  Lane(PassSequence passes_of_rank, Work& work, int prefetch_factor) : passes(std::move(passes_of_rank)) {
    for (int i = 0; i < prefetch_factor; ++i) {
      ring.emplace_back(work, ready);
    }
  }

  PendingBatch& at(std::size_t place) { return ring[(first + place) % ring.size()]; }

  PassSequence passes;
  std::optional<Pass> to_come{};              ///< taken out of the sequence, and not in the ring yet
  std::uint64_t epoch = 0;                    ///< the one that `order` is of
  std::shared_ptr<const EpochOrder> order{};  ///< shared by the lanes that are in the same epoch
  std::condition_variable ready{};
  std::deque<PendingBatch> ring{};
  std::size_t first = 0;  ///< the place of the next one to be handed out
  std::size_t ahead = 0;  ///< how many are being decoded, or are done
};

}  // namespace

struct Loader::State {
  State(DecodePool& pool_, const Dataset& dataset, const LoaderOptions& options)
      : pool(pool_), work{dataset, options} {}

  /// The pool must have let go of every batch, also where the making of the loader has failed half-way.
  ~State() {
    for_each_pending([this](PendingBatch& pending) {
      pool.withdraw(pending);
      pool.release(pending);
    });
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::shared_ptr<const EpochOrder> order_of(std::uint64_t epoch) const;
  void fill(Batch& batch, const Pass& pass, const EpochOrder& order);
  void prefetch(Lane& lane);
  bool prefetch_one(Lane& lane);

  template <typename Visit>
  void for_each_pending(const Visit& visit) {
    for (Lane& lane : lanes) {
      for (PendingBatch& pending : lane.ring) {
        visit(pending);
      }
    }
  }

  DecodePool& pool;
  Work work;  ///< its mutex guards all that follows

  std::uint64_t most_samples = 0;  ///< of a pass
  std::deque<Lane> lanes;
  std::vector<Batch> spare;  ///< came back, to be filled again
  bool cancelled = false;
};

std::shared_ptr<const EpochOrder> Loader::State::order_of(std::uint64_t epoch) const {
  for (const Lane& lane : lanes) {
    if (lane.order && lane.epoch == epoch) {
      return lane.order;
    }
  }
  const std::size_t size = work.dataset.size();
  const LoaderOptions& options = work.options;
  return std::make_shared<EpochOrder>(options.shuffle ? shuffled_order(options.seed, epoch, size)
                                                      : dataset_order(size));
}

void Loader::State::fill(Batch& batch, const Pass& pass, const EpochOrder& order) {
  if (!spare.empty()) {
    batch = std::move(spare.back());
    spare.pop_back();
  }
  batch.draws.clear();
  for (std::uint64_t position = pass.positions.begin; position < pass.positions.end; ++position) {
    batch.draws.push_back({work.options.seed, pass.epoch, position, order[position]});
  }
  most_samples = std::max<std::uint64_t>(most_samples, batch.size());
  shape_batch(batch, work.dataset.layout(), most_samples, *work.options.memory);
}

/// Fills the rank's ring, as far as it has passes. The mutex must be held. Where it throws, the same pass is the next
/// one still.
void Loader::State::prefetch(Lane& lane) {
  while (lane.ahead < lane.ring.size() && prefetch_one(lane)) {
  }
}

/// Puts the rank's next pass into the pool's queue; false if there is none.
bool Loader::State::prefetch_one(Lane& lane) {
  if (!lane.to_come) {
    lane.to_come = lane.passes.next();
  }
  if (!lane.to_come) {
    return false;
  }
  if (!lane.order || lane.epoch != lane.to_come->epoch) {
    lane.order = order_of(lane.to_come->epoch);
    lane.epoch = lane.to_come->epoch;
  }
  PendingBatch& pending = lane.at(lane.ahead);
  fill(pending.batch, *lane.to_come, *lane.order);
  pending.expect_all();
  pool.submit(pending, pending.batch.size());
  ++lane.ahead;
  lane.to_come.reset();
  return true;
}

Loader::Loader(DecodePool& pool, const Dataset& dataset, const RunPlan& plan, const LoaderOptions& options)
    : state_(std::make_unique<State>(pool, dataset, options)) {
  plan.validate();
  LOCKSTEP_ASSERT(plan.of_epoch(options.first_epoch).samples_per_epoch == dataset.size(),
                  "the plan is not of this dataset");
  LOCKSTEP_ASSERT(options.prefetch_factor > 0, "nothing would ever be decoded");
  const std::lock_guard lock(state_->work.mutex);
  for (int rank = 0; rank < plan.world_size(); ++rank) {
    const bool served = !options.only_rank || *options.only_rank == rank;
    PassSequence passes(plan, rank, options.first_epoch, options.first_step,
                        served ? options.end_epoch : options.first_epoch);
    state_->lanes.emplace_back(std::move(passes), state_->work, options.prefetch_factor);
  }
  for (int i = 0; i < options.prefetch_factor; ++i) {
    for (Lane& lane : state_->lanes) {
      state_->prefetch_one(lane);
    }
  }
}

Loader::~Loader() { cancel(); }

Batch Loader::next(int rank) {
  Batch batch;
  std::vector<LoadFailure> failures;
  {
    std::unique_lock lock(state_->work.mutex);
    Lane& lane = state_->lanes.at(static_cast<std::size_t>(rank));
    if (lane.ahead == 0 && !state_->cancelled) {
      state_->prefetch(lane);  // there was no memory for it before
    }
    LOCKSTEP_ASSERT(state_->cancelled || lane.ahead > 0, "a rank asks for more passes than it has");
    {
      const ProbeScope probe("wait for data");
      lane.ready.wait(lock, [&] { return state_->cancelled || lane.at(0).is_done(); });
    }
    if (state_->cancelled) {
      throw LoaderCancelled();
    }
    batch = std::move(lane.at(0).batch);
    if (!lane.at(0).failures.empty()) {  // else its room stays there
      failures.swap(lane.at(0).failures);
    }
    lane.first = (lane.first + 1) % lane.ring.size();
    --lane.ahead;
    state_->prefetch(lane);
  }
  if (!failures.empty()) {
    settle_failures(state_->work.dataset, state_->work.options.bad_samples, batch, failures);
  }
  return batch;
}

void Loader::recycle(Batch&& batch) {
  const std::lock_guard lock(state_->work.mutex);
  state_->spare.push_back(std::move(batch));
}

void Loader::cancel() {
  const std::lock_guard lock(state_->work.mutex);
  state_->cancelled = true;
  state_->for_each_pending([this](PendingBatch& pending) { state_->pool.withdraw(pending); });
  for (Lane& lane : state_->lanes) {
    lane.ready.notify_all();
  }
}

}  // namespace lockstep::data
