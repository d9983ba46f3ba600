#include "lockstep/train/weights_from_elsewhere.h"

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"

namespace lockstep::train {

std::vector<checkpoint::WeightsFile> read_weights_to_begin_with(const TrainOptions& options) {
  if (!options.resume_from.empty() && std::filesystem::is_directory(options.resume_from)) {
    throw UsageError("the run of --resume-from is not in --checkpoint-dir",
                     "let all machines see the same --checkpoint-dir");  // the first one has taken it up there
  }
  std::vector<checkpoint::WeightsFile> weights;
  if (!options.pretrained.empty()) {
    weights.push_back(checkpoint::read_weights_file(options.pretrained));
  }
  if (!options.resume_from.empty()) {
    weights.push_back(checkpoint::read_weights_file(options.resume_from));
  }
  return weights;
}

std::int64_t epochs_done_before(const TrainOptions& options, const std::vector<checkpoint::WeightsFile>& weights) {
  if (options.start_epoch || options.resume_from.empty()) {
    return options.start_epoch.value_or(0);
  }
  const std::int64_t said = weights.back().epoch.value_or(0);
  if (said <= 0) {
    return 0;
  }
  const std::string source = text("'", options.resume_from.string(), "' says that it is from epoch ", said);
  if (said >= options.epochs) {
    throw UsageError(text(source, ", and nothing is left of --epochs ", options.epochs),
                     "give more of them, or --start-epoch with the number of epochs that count as done");
  }
  log::info(text(source, ": so many count as done; --start-epoch gives another number"));
  return said;
}

void check_steps_left(const TrainOptions& options, const checkpoint::State& state) {
  if (state.step > 0 && options.max_steps && *options.max_steps <= state.step) {
    throw UsageError(text("--max-steps is ", *options.max_steps, ", and the ", state.step,
                          " steps of the epochs before count as done"),
                     "give more --max-steps, or another --start-epoch");
  }
}

}  // namespace lockstep::train
