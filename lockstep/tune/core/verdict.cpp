#include "lockstep/tune/core/verdict.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "lockstep/base/error.h"
#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"
#include "lockstep/tune/core/changes.h"

namespace lockstep::tune {
namespace {

std::string capitalised(std::string words) {
  words.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(words.front())));
  return words;
}

std::string say(const Findings& findings, const Change& change) {
  char gain[16];
  std::snprintf(gain, sizeof gain, "%.2f", change.foretold_per_second / findings.samples_per_second);
  return text(capitalised(change.problem), ".\n", capitalised(change.remedy), ": about ",
              rounded(change.foretold_per_second), " samples/s instead of ", rounded(findings.samples_per_second), " (",
              gain, " times as many). The next limit is then ", name_of(change.next), ".");
}

/// What can be said of a limit that no change lifts.
std::string describe(Limit limit) {
  switch (limit) {
    case Limit::kRanks:
      return "Nothing holds the ranks back: what is left is the network itself.\nA cheaper --precision, a smaller "
             "--img-size or network, or --autotune may make it faster.";
    case Limit::kCores:
      return "All cores are at work, decode threads and ranks together.\nOnly less work or more cores make this "
             "faster.";
    case Limit::kDecodeThreads:
      return "The decode threads hold the ranks back, and there are no more cores for them.\nSmaller files make this "
             "faster.";
    case Limit::kDisk:
      return "The disk gives all that it can.\nSmaller files, or a faster disk, make this faster.";
  }
  LOCKSTEP_ASSERT(false, "unknown limit");
}

std::string say_that_nothing_helps(const Prediction& now) {
  return text(describe(now.limit), " The next limit is ", name_of(now.next), ", at ", rounded(now.next_per_second),
              " samples/s.");
}

std::string say_alternative(const Change& change) {
  return text("\nOr ", change.remedy, ": about ", rounded(change.foretold_per_second), " samples/s.");
}

}  // namespace

Verdict judge(const Findings& findings) {
  constexpr double kWorthIt = 1.05;
  Verdict verdict;
  verdict.now = predict(findings.load, findings.step, findings.setting);
  std::vector<Change> changes = possible_changes(findings);
  std::erase_if(changes, [&](const Change& change) {
    return change.foretold_per_second < kWorthIt * findings.samples_per_second;
  });
  if (changes.empty()) {
    verdict.words = say_that_nothing_helps(verdict.now);
    return verdict;
  }
  auto best = changes.begin();
  for (auto change = changes.begin(); change != changes.end(); ++change) {
    if (change->foretold_per_second > kWorthIt * best->foretold_per_second) {
      best = change;
    }
  }
  std::rotate(changes.begin(), best, best + 1);
  verdict.words = say(findings, changes.front());
  for (auto change = changes.begin() + 1; change != changes.end(); ++change) {
    verdict.words += say_alternative(*change);
  }
  verdict.changes = std::move(changes);
  return verdict;
}

}  // namespace lockstep::tune
