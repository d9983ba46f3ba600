#pragma once

#include <filesystem>
#include <memory>

#include "lockstep/checkpoint/snapshot.h"
#include "lockstep/checkpoint/weights.h"
#include "lockstep/optim/optimizer.h"
#include "lockstep/parallel/arena.h"
#include "lockstep/tasks/task.h"
#include "lockstep/train/options.h"

namespace lockstep::train {

/// What a rank trains: its copy of the model, with the gradients and the optimizer's state. Between two steps the
/// replicas of all ranks are the same bits.
class Replica {
 public:
  Replica(const tasks::Task& task, const TrainOptions& options, c10::Device device);

  tasks::Model& model() { return *model_; }
  parallel::Arena& arena() { return *arena_; }
  optim::Optimizer& optimizer() { return *optimizer_; }

  /// A view of the tensors of this replica with a state beside them.
  checkpoint::Snapshot snapshot(const checkpoint::State& state);

  /// Starts from the weights in a file, of the whole network or of its backbone; the others stay as they are. Throws
  /// DataError where nothing in the file fits.
  checkpoint::LoadReport load_pretrained(const std::filesystem::path& file);

  /// Takes up a snapshot's tensors. Throws DataError where they are not those of this model.
  void load(const checkpoint::Snapshot& snapshot);

 private:
  std::unique_ptr<tasks::Model> model_;
  std::unique_ptr<parallel::Arena> arena_;
  std::unique_ptr<optim::Optimizer> optimizer_;
};

}  // namespace lockstep::train
