#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/optim/ema.h"
#include "lockstep/optim/optimizer_options.h"
#include "lockstep/optim/update_paths.h"
#include "lockstep/parallel/arena.h"

namespace lockstep::optim {

/// How the arithmetic is done; see update_paths.h.
enum class UpdatePath { kKernels, kFlatCalls };

/// What to do about a parameter that a saved state does not know.
enum class Missing {
  kError,  ///< the state belongs to another network
  kFresh,  ///< the parameter was thawed since and starts anew
};

/// Moves the parameters of an arena: the numbers of torch.optim's AdamW, Adam and SGD. A parameter that got no gradient
/// in a step does not move, and its step count stands still, as in PyTorch where its gradient is None. On the CPU the
/// bits depend neither on where a parameter lies in the arena nor on the number of threads.
class Optimizer {
 public:
  /// Throws what validate() throws. The arena on the CPU is updated by kernels, on other devices by flat calls.
  Optimizer(parallel::Arena& arena, OptimizerOptions options);
  Optimizer(parallel::Arena& arena, OptimizerOptions options, UpdatePath path);

  /// Collective, by the ranks whose arenas share their values: they share the moments as well, and each makes its share
  /// of every update from now on. Their states must be the same; the group must outlive this optimizer.
  void share_out(parallel::Group& group);

  /// One update with the gradients in the arena, which are of no use afterwards. The average, unless it is nullptr,
  /// follows all parameters, also those that do not move; what is outside of the arena follows by
  /// Ema::follow_buffers(). Collective where the update is shared out: it ends when all ranks have made their share,
  /// and an average must be shared, too.
  void step(const Update& update, const Ema* ema);

  /// The state by parameter name: for AdamW and Adam "exp_avg.NAME" and "exp_avg_sq.NAME" (elements) float32, for SGD
  /// once it has used momentum "momentum_buffer.NAME" (elements) float32; for all "step.NAME" () float32. The long ones
  /// share the optimizer's memory.
  std::vector<std::pair<std::string, at::Tensor>> state() const;

  /// Takes up a state. Throws DataError, naming the tensor, where it is not that of this arena and these options.
  void load_state(const std::map<std::string, at::Tensor>& state, Missing missing);

 private:
  const std::vector<std::string>& names_of_moments() const;
  void make_moments();
  void share_moments();
  void load_slot(const std::map<std::string, at::Tensor>& state, Memory& memory, const parallel::Slot& slot);

  parallel::Arena& arena_;
  OptimizerOptions options_;
  UpdatePath path_;
  std::vector<Memory> memories_;        ///< one a bucket
  parallel::Group* sharing_ = nullptr;  ///< the ranks that share out their updates
};

}  // namespace lockstep::optim
