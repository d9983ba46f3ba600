#include "lockstep/tune/core/verdict.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "lockstep/base/error.h"
#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/tune/core/cause.h"

namespace lockstep::tune {
namespace {

constexpr double kWorthIt = 1.05;

std::string capitalised(std::string words) {
  words.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(words.front())));
  return words;
}

/// "give --num-workers 2: about 380 samples/s instead of 190 (2.00 times as many). The next limit is then the ranks."
std::string say(const Findings& findings, const Change& change) {
  char gain[16];
  std::snprintf(gain, sizeof gain, "%.2f", change.foretold_per_second / findings.samples_per_second);
  return text(change.remedy, change.remedy.find(": ") == std::string::npos ? ": about " : " about ",
              rounded(change.foretold_per_second), " samples/s instead of ", rounded(findings.samples_per_second), " (",
              gain, " times as many", change.was_tried ? ", tried for some seconds" : "", "). The next limit is then ",
              name_of(change.next), ".");
}

/// What can be said of a limit that no change lifts.
std::string say_what_is_left(const Findings& findings, Limit limit) {
  switch (limit) {
    case Limit::kRanks:
      return text("A cheaper --precision, a smaller ", findings.size_flag,
                  " or network, or --autotune may make it faster.");
    case Limit::kCores:
      return "Only less work or more cores make this faster.";
    case Limit::kDecodeThreads:
      return "There are no more cores for them: smaller files make this faster.";
    case Limit::kDisk:
      return "Smaller files, or a faster disk, make this faster.";
  }
  LOCKSTEP_ASSERT(false, "unknown limit");
}

std::string say_why_no_cache(const CacheFindings& cache) {
  return text("\nThe decoded training set would take about ", data::format_byte_count(cache.needed_bytes),
              ", and --cache ram ", data::format_byte_count(cache.limit),
              ": --cache disk keeps what has room on the disk (--cache-limit).");
}

/// The best first. What is listed first wins over what is hardly better.
void sort(std::vector<Change>& changes) {
  for (auto place = changes.begin(); place != changes.end(); ++place) {
    auto best = place;
    for (auto change = place; change != changes.end(); ++change) {
      if (change->foretold_per_second > kWorthIt * best->foretold_per_second) {
        best = change;
      }
    }
    std::rotate(place, best, best + 1);
  }
}

}  // namespace

Verdict judge(const Findings& findings) {
  Verdict verdict;
  verdict.now = predict(findings.load, findings.step, findings.setting);
  verdict.cause = name_cause(findings, verdict.now);
  verdict.changes = possible_changes(findings);
  std::erase_if(verdict.changes, [&](const Change& change) {
    return change.foretold_per_second < kWorthIt * findings.samples_per_second;
  });
  sort(verdict.changes);
  verdict.words = capitalised(verdict.cause) + ".";
  if (verdict.changes.empty()) {
    verdict.words += text("\n", say_what_is_left(findings, verdict.now.limit), " The next limit is ",
                          name_of(verdict.now.next), ", at ", rounded(verdict.now.next_per_second), " samples/s.");
  }
  for (const Change& change : verdict.changes) {
    const std::string words = say(findings, change);
    verdict.words += &change == &verdict.changes.front() ? "\n" + capitalised(words) : "\nOr " + words;
  }
  if (findings.cache && !findings.cache->holds_all()) {
    verdict.words += say_why_no_cache(*findings.cache);
  }
  return verdict;
}

}  // namespace lockstep::tune
