#include "lockstep/data/loader.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"
#include "lockstep/data/epoch_order.h"
#include "lockstep/data/pass_sequence.h"

namespace lockstep::data {
namespace {

/// A batch that is being decoded.
struct PendingBatch {
  Batch batch;
  std::size_t missing = 0;        ///< samples not decoded yet
  std::exception_ptr error;       ///< of the first sample that failed …
  std::size_t failed_sample = 0;  ///< … which is this one
};

/// What is ahead of one rank.
struct Lane {
  explicit Lane(PassSequence passes_of_rank) : passes(std::move(passes_of_rank)) {}

  PassSequence passes;
  std::uint64_t epoch = 0;                    ///< the one that `order` is of
  std::shared_ptr<const EpochOrder> order{};  ///< shared by the lanes that are in the same epoch
  std::deque<std::unique_ptr<PendingBatch>> ahead{};
  std::condition_variable ready{};
};

}  // namespace

struct Loader::State : std::enable_shared_from_this<Loader::State> {
  State(DecodePool& pool_, const Dataset& dataset_, const LoaderOptions& options_)
      : pool(pool_), dataset(dataset_), options(options_) {}

  std::shared_ptr<const EpochOrder> order_of(std::uint64_t epoch) const;
  Batch make_batch(const Pass& pass, const EpochOrder& order);
  void prefetch(Lane& lane);
  void decode(Lane& lane, PendingBatch& pending, std::size_t sample);

  DecodePool& pool;
  const Dataset& dataset;
  const LoaderOptions options;

  std::mutex mutex;  ///< guards all that follows
  std::deque<Lane> lanes;
  std::vector<Batch> spare;  ///< came back, to be filled again
  std::size_t decoding = 0;  ///< samples in the hands of the pool's threads
  std::condition_variable none_decoding;
  bool cancelled = false;
};

std::shared_ptr<const EpochOrder> Loader::State::order_of(std::uint64_t epoch) const {
  for (const Lane& lane : lanes) {
    if (lane.order && lane.epoch == epoch) {
      return lane.order;
    }
  }
  const std::size_t size = dataset.size();
  return std::make_shared<EpochOrder>(options.shuffle ? shuffled_order(options.seed, epoch, size)
                                                      : dataset_order(size));
}

Batch Loader::State::make_batch(const Pass& pass, const EpochOrder& order) {
  Batch batch;
  if (!spare.empty()) {
    batch = std::move(spare.back());
    spare.pop_back();
  }
  std::vector<Draw> draws;
  for (std::uint64_t position = pass.positions.begin; position < pass.positions.end; ++position) {
    draws.push_back({options.seed, pass.epoch, position, order[position]});
  }
  shape_batch(batch, dataset.layout(), std::move(draws));
  return batch;
}

/// Puts the rank's next pass, if there is one, into the pool's queue. The mutex must be held.
void Loader::State::prefetch(Lane& lane) {
  const std::optional<Pass> pass = lane.passes.next();
  if (!pass) {
    return;
  }
  if (!lane.order || lane.epoch != pass->epoch) {
    lane.order = order_of(pass->epoch);
    lane.epoch = pass->epoch;
  }
  PendingBatch& pending = *lane.ahead.emplace_back(std::make_unique<PendingBatch>());
  pending.batch = make_batch(*pass, *lane.order);
  pending.missing = pending.batch.size();
  for (std::size_t sample = 0; sample < pending.batch.size(); ++sample) {
    pool.submit([state = shared_from_this(), &lane, &pending, sample] { state->decode(lane, pending, sample); });
  }
}

/// Runs on a thread of the pool. `lane` and `pending` live as long as the state does: a batch leaves its lane only when
/// no sample of it is missing.
void Loader::State::decode(Lane& lane, PendingBatch& pending, std::size_t sample) {
  {
    const std::lock_guard lock(mutex);
    if (cancelled) {
      return;
    }
    ++decoding;
  }
  std::exception_ptr error;
  try {
    const ProbeScope probe("decode a sample");
    dataset.load(pending.batch.draws[sample], slot_of(pending.batch, sample));
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex);
  if (error && (!pending.error || sample < pending.failed_sample)) {
    pending.error = std::move(error);
    pending.failed_sample = sample;
  }
  if (--pending.missing == 0) {
    lane.ready.notify_all();
  }
  if (--decoding == 0) {
    none_decoding.notify_all();
  }
}

Loader::Loader(DecodePool& pool, const Dataset& dataset, const RunPlan& plan, const LoaderOptions& options)
    : state_(std::make_shared<State>(pool, dataset, options)) {
  plan.validate();
  LOCKSTEP_ASSERT(plan.of_epoch(options.first_epoch).samples_per_epoch == dataset.size(),
                  "the plan is not of this dataset");
  LOCKSTEP_ASSERT(options.prefetch_factor > 0, "nothing would ever be decoded");
  const std::lock_guard lock(state_->mutex);
  for (int rank = 0; rank < plan.world_size(); ++rank) {
    const bool served = !options.only_rank || *options.only_rank == rank;
    PassSequence passes(plan, rank, options.first_epoch, options.first_step,
                        served ? options.end_epoch : options.first_epoch);
    state_->lanes.emplace_back(std::move(passes));
  }
  for (int i = 0; i < options.prefetch_factor; ++i) {
    for (Lane& lane : state_->lanes) {
      state_->prefetch(lane);
    }
  }
}

Loader::~Loader() {
  cancel();
  std::unique_lock lock(state_->mutex);
  state_->none_decoding.wait(lock, [this] { return state_->decoding == 0; });
}

Batch Loader::next(int rank) {
  std::unique_lock lock(state_->mutex);
  Lane& lane = state_->lanes.at(static_cast<std::size_t>(rank));
  LOCKSTEP_ASSERT(state_->cancelled || !lane.ahead.empty(), "a rank asks for more passes than it has");
  {
    const ProbeScope probe("wait for data");
    lane.ready.wait(lock, [&] { return state_->cancelled || lane.ahead.front()->missing == 0; });
  }
  if (state_->cancelled) {
    throw LoaderCancelled();
  }
  const std::unique_ptr<PendingBatch> pending = std::move(lane.ahead.front());
  lane.ahead.pop_front();
  state_->prefetch(lane);
  lock.unlock();
  if (pending->error) {
    std::rethrow_exception(pending->error);
  }
  return std::move(pending->batch);
}

void Loader::recycle(Batch&& batch) {
  const std::lock_guard lock(state_->mutex);
  state_->spare.push_back(std::move(batch));
}

void Loader::cancel() {
  const std::lock_guard lock(state_->mutex);
  state_->cancelled = true;
  for (Lane& lane : state_->lanes) {
    lane.ready.notify_all();
  }
}

}  // namespace lockstep::data
