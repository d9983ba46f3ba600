#include "lockstep/tune/core/changes.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"

namespace lockstep::tune {
namespace {

/// Fills in what the model foretells where costs and setting are these.
void foretell(Change& change, const Findings& findings, const LoadCosts& load, const StepCosts& step,
              const Setting& setting) {
  const Prediction now = predict(findings.load, findings.step, findings.setting);
  const Prediction then = predict(load, step, setting);
  change.foretold_per_second = findings.samples_per_second * then.samples_per_second / now.samples_per_second;
  change.next = then.limit;
}

double rank_rate(const Findings& findings) { return findings.setting.samples_per_step / findings.step.seconds; }

double share_of(const Findings& findings, const std::string& work) {
  const auto found = findings.load_shares.find(work);
  return found == findings.load_shares.end() ? 0 : found->second;
}

std::string threads_in_words(int threads) { return text(threads, threads == 1 ? " decode thread" : " decode threads"); }

/// Names the masks where they are most of the work.
std::string where_decoding_goes(const Findings& findings) {
  constexpr double kMost = 0.5;
  const double masks = share_of(findings, "decode mask");
  if (masks > kMost) {
    return text("; the masks are huge: ", percent(masks), " of a sample's time goes into decoding them");
  }
  return text("; a sample's time goes into decoding images (", percent(share_of(findings, "decode image")),
              ") and masks (", percent(masks), ")");
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
  Setting setting = findings.setting;
  const auto rate_with = [&](int threads) {
    setting.decode_threads = threads;
    return predict(findings.load, steps_beside(findings, threads), setting).samples_per_second;
  };
  double best = 0;
  for (int threads = findings.setting.decode_threads + 1; threads <= setting.cores; ++threads) {
    best = std::max(best, rate_with(threads));
  }
  for (int threads = findings.setting.decode_threads + 1; threads <= setting.cores; ++threads) {
    if (rate_with(threads) < kAlmost * best) {
      continue;
    }
    Change change{.flag = "--num-workers", .value = std::to_string(threads), .problem = {}, .remedy = {}};
    const int now = findings.setting.decode_threads;
    change.problem =
        text("the decode threads hold the ranks back: ", threads_in_words(now), now == 1 ? " loads " : " load ",
             rounded(load_rate(findings.load, now, setting.cores)), " samples/s, and the ranks could take ",
             rounded(rank_rate(findings)), where_decoding_goes(findings));
    change.remedy = text("give --num-workers ", threads);
    setting.decode_threads = threads;
    foretell(change, findings, findings.load, steps_beside(findings, threads), setting);
    changes.push_back(change);
    return;
  }
}

/// Without the time by which one rank is slower than the others.
void add_even_ranks(const Findings& findings, std::vector<Change>& changes) {
  constexpr double kSlower = 1.2;
  std::vector<double> seconds = findings.seconds_alone;
  if (seconds.size() < 2) {
    return;
  }
  const auto slowest = std::ranges::max_element(findings.seconds_alone);
  const auto rank = static_cast<std::size_t>(slowest - findings.seconds_alone.begin());
  seconds.erase(seconds.begin() + static_cast<std::ptrdiff_t>(rank));
  const double others = std::ranges::max(seconds);
  if (*slowest < kSlower * others) {
    return;
  }
  const double passes = std::max(1.0, std::round(findings.setting.samples_per_step /
                                                 static_cast<double>(findings.batch_size * (seconds.size() + 1))));
  StepCosts even = findings.step;
  even.seconds = std::max(passes * others, even.seconds - passes * (*slowest - others));
  even.busy_cores *= findings.step.seconds / even.seconds;  // the same work in less time
  Change change;
  change.problem = text("rank ", rank, " holds the other ranks back: alone on the machine it takes ",
                        rounded(1e3 * *slowest), " ms for a batch, the others ", rounded(1e3 * others), " ms");
  Setting without = findings.setting;
  without.samples_per_step *= static_cast<double>(seconds.size()) / static_cast<double>(seconds.size() + 1);
  foretell(change, findings, findings.load, even, findings.setting);
  change.remedy = "see what else runs on its device, or whether that is throttled; once it is as fast as the others";
  const Prediction left_out = predict(findings.load, even, without);
  const Prediction now = predict(findings.load, findings.step, findings.setting);
  if (left_out.samples_per_second > now.samples_per_second && !findings.device_flags.empty()) {
    change.remedy = text("leave it out with --devices ", findings.device_flags, " (about ",
                         rounded(findings.samples_per_second * left_out.samples_per_second / now.samples_per_second),
                         " samples/s), or ", change.remedy);
  }
  changes.push_back(change);
}

void add_larger_batches(const Findings& findings, std::vector<Change>& changes) {
  constexpr double kAlmost = 0.95;
  double best = 0;
  for (const BatchTrial& trial : findings.batches) {
    best = std::max(best, trial.samples_per_second);
  }
  for (const BatchTrial& trial : findings.batches) {
    if (trial.samples_per_second < kAlmost * best) {
      continue;
    }
    Setting setting = findings.setting;
    setting.samples_per_step *= static_cast<double>(trial.batch_size) / static_cast<double>(findings.batch_size);
    StepCosts step = findings.step;
    step.seconds = setting.samples_per_step / trial.samples_per_second;
    Change change{.flag = "--batch-size", .value = std::to_string(trial.batch_size), .problem = {}, .remedy = {}};
    change.problem = text("the batch is too small for the ranks: with ", findings.batch_size, " they do ",
                          rounded(rank_rate(findings)), " samples/s, with ", trial.batch_size, " ",
                          rounded(trial.samples_per_second), ", since a step has costs whatever its size");
    change.remedy = text("give --batch-size ", trial.batch_size, ", which makes the global batch ",
                         trial.batch_size / findings.batch_size, " times as large, and the learning rate another one");
    foretell(change, findings, findings.load, step, setting);
    changes.push_back(change);
    return;
  }
}

/// The cache keeps pixels that are decoded: what is left is to cut, scale and colour them.
void add_cache(const Findings& findings, std::vector<Change>& changes) {
  if (!findings.has_cache) {
    return;
  }
  const double left =
      1 - share_of(findings, "read") - share_of(findings, "decode image") - share_of(findings, "decode mask");
  LoadCosts load{findings.load.seconds_alone * left, findings.load.seconds_busy * left,
                 findings.load.cpu_seconds * left};
  Change change{.flag = "--cache", .value = "ram", .problem = {}, .remedy = {}};
  change.problem = text("reading and decoding hold the ranks back: they are ", percent(1 - left),
                        " of what loading a sample takes", where_decoding_goes(findings));
  change.remedy = "give --cache ram, if the memory suffices: from the second epoch on";
  foretell(change, findings, load, findings.step, findings.setting);
  changes.push_back(change);
}

void add_faster_disk(const Findings& findings, std::vector<Change>& changes) {
  if (findings.load.read_wait == 0) {
    return;
  }
  LoadCosts load = findings.load;
  load.most_per_second = std::numeric_limits<double>::infinity();
  load.seconds_alone = std::max(load.seconds_alone - load.read_wait, 1e-9);
  load.seconds_busy = std::max(load.seconds_busy - load.read_wait, 1e-9);
  Change change;
  change.problem = text("the disk holds everything back: a thread waits ", rounded(1e3 * findings.load.read_wait),
                        " ms for a sample, ", percent(findings.load.read_wait / findings.load.seconds_alone),
                        " of the time that loading it takes");
  change.remedy = "put the dataset on a faster disk; once nobody waits for it";
  foretell(change, findings, load, findings.step, findings.setting);
  changes.push_back(change);
}

}  // namespace

std::string percent(double share) { return text(std::lround(100 * share), " %"); }

std::vector<Change> possible_changes(const Findings& findings) {
  std::vector<Change> changes;
  add_more_threads(findings, changes);
  add_even_ranks(findings, changes);
  add_cache(findings, changes);
  add_faster_disk(findings, changes);
  add_larger_batches(findings, changes);
  return changes;
}

}  // namespace lockstep::tune
