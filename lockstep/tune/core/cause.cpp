#include "lockstep/tune/core/cause.h"

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"

namespace lockstep::tune {
namespace {

constexpr double kMost = 0.5;  // of a sample's time

std::string threads_in_words(int threads) {
  return text(threads, threads == 1 ? " decode thread loads " : " decode threads load ");
}

/// Names the masks where they are most of the work.
std::string where_decoding_goes(const Findings& findings) {
  const double masks = share_of(findings, "decode mask");
  if (masks > kMost) {
    return text("; the masks are huge: ", percent(masks), " of a sample's time goes into decoding them");
  }
  return text("; a sample's time goes into decoding images (", percent(share_of(findings, "decode image")),
              ") and masks (", percent(masks), ")");
}

std::string name_decode_threads(const Findings& findings) {
  const Setting& setting = findings.setting;
  return text("the decode threads hold the ranks back: ", threads_in_words(setting.decode_threads),
              rounded(load_rate(findings.load, setting.decode_threads, setting.cores)),
              " samples/s, and the ranks could take ", rounded(rank_rate(findings)), where_decoding_goes(findings));
}

std::string name_disk(const Findings& findings) {
  const LoadCosts& load = findings.load;
  return text("the disk holds the ranks back: a thread waits ", rounded(1e3 * load.read_wait),
              " ms of it for a sample, ", percent(load.read_wait / load.seconds_alone),
              " of the time that loading it takes, and the ranks could take ", rounded(rank_rate(findings)),
              " samples/s where ", rounded(load_rate(load, findings.setting.decode_threads, findings.setting.cores)),
              " come");
}

std::string name_cores(const Findings& findings) {
  const double of_ranks = findings.step.cpu_seconds_per_sample(findings.setting);
  const double of_both = findings.load.cpu_seconds + of_ranks;
  return text(
      "all cores are at work, decode threads and ranks together: ", percent(findings.load.cpu_seconds / of_both),
      " of their time goes into loading samples", where_decoding_goes(findings));
}

std::string name_slow_rank(const SlowRank& slow) {
  return text("rank ", slow.rank, " holds the other ranks back: alone on the machine it takes ",
              rounded(1e3 * slow.seconds), " ms for a batch, the others ", rounded(1e3 * slow.seconds_others), " ms");
}

std::string name_small_batch(const Findings& findings) {
  const BatchTrial& largest = findings.batches.back();
  return text("the batch is too small for the ranks: with ", findings.batch_size, " they do ",
              rounded(rank_rate(findings)), " samples/s, with ", largest.batch_size, " ",
              rounded(largest.samples_per_second), ", since a step has costs whatever its size");
}

}  // namespace

std::string percent(double share) { return text(std::lround(100 * share), " %"); }

std::string name_cause(const Findings& findings, const Prediction& now) {
  switch (now.limit) {
    case Limit::kDecodeThreads:
      return findings.load.read_wait > kMost * findings.load.seconds_alone ? name_disk(findings)
                                                                           : name_decode_threads(findings);
    case Limit::kDisk:
      return name_disk(findings);
    case Limit::kCores:
      return name_cores(findings);
    case Limit::kRanks:
      if (const auto slow = find_slow_rank(findings)) {
        return name_slow_rank(*slow);
      }
      return findings.batches.empty() ? "nothing holds the ranks back: what is left is the network itself"
                                      : name_small_batch(findings);
  }
  LOCKSTEP_ASSERT(false, "unknown limit");
}

}  // namespace lockstep::tune
