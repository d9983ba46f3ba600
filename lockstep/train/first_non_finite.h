#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/dataset.h"
#include "lockstep/train/pass.h"
#include "lockstep/train/plan.h"
#include "lockstep/train/result_watch.h"

namespace lockstep::train {

/// Where in a step a rank first came to numbers that are not finite.
struct NonFinite {
  int rank = 0;
  bool in_backward = false;
  Place place;
  std::vector<std::string>
      samples;  ///< with which it does; of a gradient all of the pass, where no single one does alone
};

/// "rank 1: forward pass, in backbone.stages.2.norm (aten::layer_norm); samples: a.jpg".
std::string describe(const NonFinite& found);

nlohmann::json to_json(const NonFinite& found);
NonFinite non_finite_from_json(const nlohmann::json& json);

/// The passes of a rank in a step.
struct StepPasses {
  PassSetting setting;
  double factor = 1;  ///< of the sum of the losses
  std::vector<std::vector<data::Draw>> draws;
};

/// Does the passes of a step again, and looks at every result on the way. Nothing where losses and gradients are finite
/// this time. Leaves gradients, buffers and weights of the replica as they are. Not collective: not with batches that
/// ranks join for batch norm. Throws what loading and passes throw.
std::optional<NonFinite> find_first_non_finite(Replica& replica, const Plan& plan, c10::Device device,
                                               const StepPasses& passes);

}  // namespace lockstep::train
