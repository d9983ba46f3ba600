#include "lockstep/tune/core/changes.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"

namespace lockstep::tune {
namespace {

/// By the model, for other costs and another setting.
Prediction foretell(const Findings& findings, const LoadCosts& load, const StepCosts& step, const Setting& setting) {
  Prediction then = predict(load, step, setting);
  then.samples_per_second *=
      findings.samples_per_second / predict(findings.load, findings.step, findings.setting).samples_per_second;
  return then;
}

/// A change of a flag, of which the model says that.
Change change_of_flag(const Findings& findings, const std::string& flag, const std::string& value,
                      const std::string& remedy, const Prediction& then) {
  Change change{flag, value, remedy, then.samples_per_second, /*was_tried=*/false, then.limit};
  if (const auto tried = findings.tried.find(flag); tried != findings.tried.end()) {
    change.foretold_per_second = tried->second;
    change.was_tried = true;
  }
  return change;
}

/// One that no flag makes.
Change change_of_machine(const std::string& remedy, const Prediction& then) {
  return {"", "", remedy, then.samples_per_second, /*was_tried=*/false, then.limit};
}

/// What the ranks do where so many threads decode. Those that compute may then have fewer cores, and are taken to share
/// their work evenly.
StepCosts steps_beside(const Findings& findings, int decode_threads) {
  StepCosts step = findings.step;
  if (findings.ranks_by_rule > 0) {
    const int left = std::max(1, (findings.setting.cores - decode_threads) / findings.ranks_by_rule);
    const double slower = std::max(1.0, static_cast<double>(findings.threads_per_rank) / left);
    step.seconds *= slower;
    step.busy_cores /= slower;
  }
  return step;
}

/// The fewest threads that come within 2 % of what any number of them gives.
void add_more_threads(const Findings& findings, std::vector<Change>& changes) {
  constexpr double kAlmost = 0.98;
  const auto with = [&](int threads) {
    Setting setting = findings.setting;
    setting.decode_threads = threads;
    return foretell(findings, findings.load, steps_beside(findings, threads), setting);
  };
  double best = 0;
  for (int threads = findings.setting.decode_threads + 1; threads <= findings.setting.cores; ++threads) {
    best = std::max(best, with(threads).samples_per_second);
  }
  for (int threads = findings.setting.decode_threads + 1; threads <= findings.setting.cores; ++threads) {
    if (const Prediction then = with(threads); then.samples_per_second >= kAlmost * best) {
      changes.push_back(change_of_flag(findings, "--num-workers", std::to_string(threads),
                                       text("give --num-workers ", threads), then));
      return;
    }
  }
}

/// Steps without the time by which one rank is slower than the others: a rank then waits for the others no longer than
/// the slow one does now.
StepCosts even_steps(const Findings& findings, const SlowRank& slow) {
  StepCosts even = findings.step;
  even.seconds = findings.step.seconds - findings.busy_seconds[slow.rank];
  double busiest = 0;
  for (std::size_t rank = 0; rank < findings.busy_seconds.size(); ++rank) {
    busiest = rank == slow.rank ? busiest : std::max(busiest, findings.busy_seconds[rank]);
  }
  even.seconds = std::max(even.seconds, 0.0) + busiest;
  even.busy_cores *= findings.step.seconds / even.seconds;  // the same work in less time
  return even;
}

void add_even_ranks(const Findings& findings, std::vector<Change>& changes) {
  const std::optional<SlowRank> slow = find_slow_rank(findings);
  if (!slow) {
    return;
  }
  const StepCosts even = even_steps(findings, *slow);
  std::string remedy =
      "see what else runs on its device, or whether that is throttled; once it is as fast as the others";
  Setting without = findings.setting;
  without.samples_per_step *= 1 - 1 / static_cast<double>(findings.seconds_alone.size());
  const double rate_without = foretell(findings, findings.load, even, without).samples_per_second;
  if (rate_without > findings.samples_per_second && !findings.device_flags.empty()) {
    remedy = text("leave it out with --devices ", findings.device_flags, " (about ", rounded(rate_without),
                  " samples/s), or ", remedy);
  }
  changes.push_back(change_of_machine(remedy, foretell(findings, findings.load, even, findings.setting)));
}

void add_larger_batches(const Findings& findings, std::vector<Change>& changes) {
  constexpr double kAlmost = 0.95;
  double best = 0;
  for (const BatchTrial& trial : findings.batches) {
    best = std::max(best, trial.samples_per_second);
  }
  const auto trial = std::ranges::find_if(
      findings.batches, [&](const BatchTrial& one) { return one.samples_per_second >= kAlmost * best; });
  if (trial == findings.batches.end()) {
    return;
  }
  Setting setting = findings.setting;
  setting.samples_per_step *= static_cast<double>(trial->batch_size) / static_cast<double>(findings.batch_size);
  StepCosts step = findings.step;
  step.seconds = setting.samples_per_step / trial->samples_per_second;
  const std::string remedy =
      text("give --batch-size ", trial->batch_size, ", which makes the global batch ",
           trial->batch_size / findings.batch_size, " times as large, and the learning rate another one");
  changes.push_back(change_of_flag(findings, "--batch-size", std::to_string(trial->batch_size), remedy,
                                   foretell(findings, findings.load, step, setting)));
}

void add_cache(const Findings& findings, std::vector<Change>& changes) {
  if (findings.cache && findings.cache->holds_all()) {
    changes.push_back(change_of_flag(findings, "--cache", "ram", "give --cache ram: from the second epoch on",
                                     foretell(findings, findings.cache->load, findings.step, findings.setting)));
  }
}

void add_faster_disk(const Findings& findings, std::vector<Change>& changes) {
  if (findings.load.read_wait == 0) {
    return;
  }
  LoadCosts load = findings.load;
  load.most_per_second = std::numeric_limits<double>::infinity();
  load.seconds_alone = std::max(load.seconds_alone - load.read_wait, 1e-9);
  load.seconds_busy = std::max(load.seconds_busy - load.read_wait, 1e-9);
  changes.push_back(change_of_machine("put the dataset on a faster disk; once nobody waits for it",
                                      foretell(findings, load, findings.step, findings.setting)));
}

}  // namespace

std::vector<Change> possible_changes(const Findings& findings) {
  std::vector<Change> changes;
  add_more_threads(findings, changes);
  add_cache(findings, changes);
  add_even_ranks(findings, changes);
  add_faster_disk(findings, changes);
  add_larger_batches(findings, changes);
  return changes;
}

}  // namespace lockstep::tune
