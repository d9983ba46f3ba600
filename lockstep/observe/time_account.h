#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/observe/step_timer.h"

namespace lockstep::observe {

/// What a part is called in a sentence: "wait for data" for `wait`.
const char* words_for(Part part);

/// "backward 47 %, forward 38 %, wait for data 6 %": the shares of the parts in the whole time, the largest first;
/// those that round to 0 % are left out.
std::string describe_shares(const PartSeconds& seconds);

/// Of the ranks that trained together, the one that waited least for the others: its time is what a step takes, and its
/// parts say where that goes.
std::size_t pace_setter(const std::vector<PartSeconds>& of_ranks);

/// "epoch 3: 41.2 s: backward 47 %, forward 38 %, …", and with several ranks which one's time that is.
std::string describe_epoch(std::int64_t epoch, double wall_seconds, const std::vector<PartSeconds>& of_ranks);

}  // namespace lockstep::observe
