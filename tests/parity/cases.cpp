#include "tests/parity/cases.h"

#include <cstdlib>
#include <ostream>

#include "lockstep/base/text.h"

namespace lockstep::parity {
namespace {

std::string from_environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  return std::stoll(from_environment(name, std::to_string(otherwise)));
}

/// What "several ranks" are.
int several() { return static_cast<int>(from_environment("LOCKSTEP_PARITY_RANKS", 2)); }

Case make(const std::string& name, int ranks, std::int64_t accumulation = 1) {
  Case one;
  one.name = name;
  one.network = from_environment("LOCKSTEP_PARITY_NETWORK", one.network);
  one.ranks = ranks;
  one.options.devices = text("cpu:", ranks);
  one.options.seed = static_cast<std::uint64_t>(from_environment("LOCKSTEP_PARITY_SEED", 1));
  one.options.batch_size = from_environment("LOCKSTEP_PARITY_BATCH", 4);
  one.options.accumulation_steps = accumulation;
  one.options.epochs = kEpochs;
  one.options.evaluate_every = kEpochs;
  one.options.threads_per_rank = 1;
  one.options.num_workers = 1;
  one.options.clip_norm = 0;
  return one;
}

/// The rate rises from 1/25, and with it Adam's beta1 falls.
void add_batches(std::vector<Case>& cases) {
  for (const int ranks : {1, several()}) {
    for (const std::int64_t accumulation : {1, 3}) {
      cases.push_back(
          make(text(ranks == 1 ? "OneRank" : "SeveralRanks", "Accumulation", accumulation), ranks, accumulation));
    }
  }
}

void add_real_network(std::vector<Case>& cases) {
  const std::string network = from_environment("LOCKSTEP_PARITY_NETWORK", "edgenext_xx_small");
  for (const int ranks : {1, several()}) {
    Case one = make(text("EdgeNeXt", ranks == 1 ? "OneRank" : "SeveralRanks"), ranks);
    one.network = network;
    one.options.clip_norm = 1;
    cases.push_back(one);
  }
}

void add_clipping(std::vector<Case>& cases) {
  Case one = make("Clipping", several());
  one.options.clip_norm = 0.1;  // reached in every step
  cases.push_back(one);
}

void add_schedules(std::vector<Case>& cases) {
  Case cosine = make("CosineWithWarmUp", several());
  cosine.options.scheduler = "cosine";
  cosine.options.warmup_epochs = 0.5;
  cosine.options.min_learning_rate = 1e-5;
  cases.push_back(cosine);
}

/// What DistributedDataParallel would weigh wrongly.
void add_uneven_steps(std::vector<Case>& cases) {
  const auto add = [&](const std::string& name, int ranks, std::int64_t accumulation, auto samples_of_last_step) {
    Case one = make(name, ranks, accumulation);
    one.reference = Reference::kPlain;
    one.samples_of_last_step = samples_of_last_step(one);
    cases.push_back(one);
  };
  const auto more_than_half = [](const Case& one) { return one.global_batch() / 2 + 1; };
  add("UnevenLastStepOneRank", 1, 1, more_than_half);
  add("UnevenLastStepSeveralRanks", several(), 1, more_than_half);
  add("UnevenLastStepAccumulation3", several(), 3, more_than_half);
  add("RanksWithoutSamples", 4, 1, [](const Case&) { return 1; });
}

}  // namespace

std::int64_t Case::samples() const {
  const std::int64_t last = samples_of_last_step > 0 ? samples_of_last_step : global_batch();
  return (kStepsPerEpoch - 1) * global_batch() + last;
}

std::ostream& operator<<(std::ostream& stream, const Case& one) {
  return stream << one.name << " (" << one.network << ", " << one.ranks << " ranks, batch " << one.options.batch_size
                << ", seed " << one.options.seed << ")";
}

std::int64_t image_side() { return from_environment("LOCKSTEP_PARITY_SIDE", 64); }

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_batches(cases);
  add_real_network(cases);
  add_clipping(cases);
  add_schedules(cases);
  add_uneven_steps(cases);
  return cases;
}

}  // namespace lockstep::parity
