#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lockstep/checkpoint/snapshot.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/checkpoint/weights_file.h"
#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer.h"
#include "lockstep/parallel/arena.h"
#include "lockstep/parallel/gradient_sync.h"
#include "lockstep/parallel/launch.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"
#include "lockstep/train/stages.h"

namespace lockstep::train {

/// Where the weights come from with which a replica begins.
enum class InitialWeights {
  kDrawn,   ///< by the seed
  kLoaded,  ///< by Replica::load, before anything else
};

/// What a rank trains: its copy of the model, with the gradients, the optimizer's state and the averaged weights.
/// Between two steps the replicas of all ranks are the same bits. Ranks that are threads on the CPU keep weights, state
/// and averages once, and share out the update; gradients, buffers and what is frozen are each rank's own.
class Replica {
 public:
  /// Collective, as are `enter` and `follow_landing_order`. Throws UsageError for --sync-bn with a network that has no
  /// batch norm.
  Replica(const tasks::Task& task, const TrainOptions& options, parallel::Rank& rank,
          InitialWeights weights = InitialWeights::kDrawn);

  tasks::Model& model() { return *model_; }

  /// The number of the rank that trains it.
  int rank() const { return rank_.index; }

  /// The model with the averaged weights; null without --ema-decay.
  tasks::Model* averaged_model() { return shadow_.get(); }

  // From the first `enter` on:
  parallel::Arena& arena() { return *arena_; }
  parallel::GradientSync& sync() { return *sync_; }
  optim::Optimizer& optimizer() { return *optimizer_; }
  optim::Ema* average() { return ema_.get(); }

  /// As tasks::Model's, for both models.
  void set_memory_format(at::MemoryFormat format);

  /// The group whose batches batch norms join; null without --sync-bn.
  parallel::Group* batch_norm_group() { return batch_norm_group_.get(); }

  /// Called before the first step and at the start of each epoch. Freezes and thaws what the stage asks for. A stage
  /// that begins has an optimizer of its own; parameters that thaw in its course join the running one with a fresh
  /// state.
  void enter(const Stage& stage, std::int64_t epoch, std::int64_t step_in_epoch);

  /// Lays the buckets anew in the order in which backward was seen to finish them, once for each set of parameters.
  /// Called after every step.
  void follow_landing_order();

  /// Gives every rank the first one's buffers, such as the running statistics of a batch norm. Collective.
  void share_buffers();

  /// Keeps what every pass moves: the values of the network's buffers, such as the running statistics of a batch norm,
  /// where there are such, and what the network counts. Not collective.
  void remember_counts();

  /// Goes back to what was remembered last.
  void restore_counts();

  /// A view of the tensors of this replica with a state beside them.
  checkpoint::Snapshot snapshot(const checkpoint::State& state);

  /// Starts from the weights of a file, of the whole network or of its backbone; the others stay as they are. Throws
  /// DataError where nothing in the file fits. Before the first `enter`.
  checkpoint::LoadReport take(const checkpoint::WeightsFile& file);

  /// Takes up a snapshot's tensors; the optimizer's are taken up by the next `enter`. Throws DataError where they
  /// are not those of this model. Before the first `enter`.
  void load(const checkpoint::Snapshot& snapshot);

  /// Collective: all ranks take up the tensors of the first one's snapshot, null on the others, in the course of the
  /// run. Where that lacks a part of the optimizer's state, the parameter was thawed since and starts anew. Buffers of
  /// whole numbers stay.
  void take_back(const checkpoint::Snapshot* of_first);

 private:
  using OptimizerState = std::map<std::string, at::Tensor>;

  void freeze(const std::vector<std::string>& prefixes);
  std::vector<parallel::ArenaParameter> trainable_parameters() const;
  std::vector<parallel::ArenaParameter> in_landing_order(const std::vector<parallel::ArenaParameter>& parameters) const;
  void lay(const std::vector<parallel::ArenaParameter>& parameters, const OptimizerState& state,
           optim::Missing missing);

  const TrainOptions& options_;
  parallel::Rank& rank_;
  std::unique_ptr<tasks::Model> model_;
  std::unique_ptr<tasks::Model> shadow_;
  std::unique_ptr<parallel::Arena> arena_;
  std::unique_ptr<parallel::GradientSync> sync_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<optim::Ema> ema_;
  std::unique_ptr<parallel::Group> batch_norm_group_;
  std::set<std::string> always_frozen_;     ///< by the network itself
  std::vector<std::string> frozen_;         ///< prefixes
  std::vector<std::string> landing_order_;  ///< as measured; of a snapshot until then
  bool order_is_measured_ = false;
  std::vector<at::Tensor> remembered_buffers_;
  bool is_resumed_ = false;
  OptimizerState loaded_state_;  ///< of the snapshot, until the first `enter`
};

}  // namespace lockstep::train
