#include "lockstep/tune/table.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"
#include "lockstep/observe/time_account.h"
#include "lockstep/tune/core/cause.h"

namespace lockstep::tune {
namespace {

using observe::Part;

std::string row(const std::string& what, const std::string& first, const std::string& second,
                const std::string& third = "") {
  char line[160];
  std::snprintf(line, sizeof line, "  %-44s %12s %12s %8s", what.c_str(), first.c_str(), second.c_str(), third.c_str());
  std::string words = line;
  words.erase(words.find_last_not_of(' ') + 1);
  return words + "\n";
}

std::string milliseconds(double seconds) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.2f", 1e3 * seconds);
  return digits;
}

std::string rows_by_threads(const std::string& what, const LoadMeasurement& one, const LoadMeasurement& all) {
  std::string rows =
      row(text("  ", what, ", 1 thread"), milliseconds(one.seconds_per_sample()), rounded(one.samples_per_second()));
  if (all.threads > 1) {
    rows += row(text("  ", what, ", ", all.threads, " threads"), milliseconds(1 / all.samples_per_second()),
                rounded(all.samples_per_second()));
  }
  return rows;
}

/// Loading alone, and what a thread does meanwhile.
std::string load_rows(const Diagnosis& diagnosis) {
  const LoadMeasurement& one = diagnosis.one_thread;
  std::string rows = row("loading alone", "ms a sample", "samples/s", "share");
  std::vector<std::pair<std::string, double>> parts;
  for (const auto& [work, time] : one.work) {
    parts.emplace_back(work, one.share(work));
  }
  std::ranges::stable_sort(parts, std::ranges::greater(), &std::pair<std::string, double>::second);
  for (const auto& [work, share] : parts) {
    const double seconds = share * one.seconds_per_sample();
    rows += row("  " + work, milliseconds(seconds), rounded(1 / seconds), percent(share));
  }
  rows += rows_by_threads("all of it", one, diagnosis.all_cores);
  if (diagnosis.cached_one_thread) {
    rows += rows_by_threads("from a cache in memory", *diagnosis.cached_one_thread, *diagnosis.cached_all_cores);
  }
  return rows;
}

std::string alone_rows(const Diagnosis& diagnosis) {
  const std::vector<double>& seconds = diagnosis.findings.seconds_alone;
  if (seconds.empty()) {
    return "";
  }
  std::string rows = row("forward and backward, one rank at a time", "ms a pass", "samples/s");
  for (std::size_t rank = 0; rank < seconds.size(); ++rank) {
    rows += row(text("  rank ", rank), milliseconds(seconds[rank]),
                rounded(static_cast<double>(diagnosis.findings.batch_size) / seconds[rank]));
  }
  return rows;
}

std::string step_rows(const std::string& what, const StepMeasurement& measured) {
  const observe::PartSeconds& parts = measured.of_ranks[observe::pace_setter(measured.of_ranks)];
  std::string rows = row(what, "ms a step", "samples/s", "share");
  for (std::size_t i = 0; i < observe::kParts; ++i) {
    const Part part = static_cast<Part>(i);
    const double seconds = parts[part] / static_cast<double>(measured.steps);
    if (parts[part] > 0.0005 * parts.sum()) {
      rows += row(text("  ", observe::words_for(part)), milliseconds(seconds), "", percent(parts[part] / parts.sum()));
    }
  }
  return rows + row("  all of it", milliseconds(measured.seconds_per_step()), rounded(measured.samples_per_second()));
}

std::string batch_rows(const Diagnosis& diagnosis) {
  std::string rows;
  for (const BatchTrial& trial : diagnosis.findings.batches) {
    rows += row(text("  with a batch of ", trial.batch_size), "", rounded(trial.samples_per_second));
  }
  return rows;
}

nlohmann::json to_json(const StepMeasurement& measured) {
  const observe::PartSeconds& parts = measured.of_ranks[observe::pace_setter(measured.of_ranks)];
  return {{"samples_per_second", measured.samples_per_second()},
          {"seconds_per_step", measured.seconds_per_step()},
          {"busy_cores", measured.busy_cores},
          {"seconds", parts.by_name()}};
}

}  // namespace

std::string to_text(const Diagnosis& diagnosis) {
  return text(diagnosis.setting, "\n\n", load_rows(diagnosis), "\n", alone_rows(diagnosis),
              diagnosis.findings.seconds_alone.empty() ? "" : "\n",
              step_rows("a step of all ranks, data at hand", diagnosis.at_hand), batch_rows(diagnosis), "\n",
              step_rows("a step of the whole loop", diagnosis.loop), "\n", diagnosis.verdict.words, "\n");
}

nlohmann::json to_json(const Diagnosis& diagnosis) {
  nlohmann::json changes = nlohmann::json::array();
  for (const Change& change : diagnosis.verdict.changes) {
    changes.push_back({{"flag", change.flag},
                       {"value", change.value},
                       {"remedy", change.remedy},
                       {"samples_per_second", change.foretold_per_second},
                       {"was_tried", change.was_tried},
                       {"next_limit", name_of(change.next)}});
  }
  return {{"load_one_thread", diagnosis.one_thread.samples_per_second()},
          {"load_all_cores", diagnosis.all_cores.samples_per_second()},
          {"load_shares", diagnosis.findings.load_shares},
          {"seconds_alone", diagnosis.findings.seconds_alone},
          {"data_at_hand", to_json(diagnosis.at_hand)},
          {"loop", to_json(diagnosis.loop)},
          {"model",
           {{"samples_per_second", diagnosis.verdict.now.samples_per_second},
            {"limit", name_of(diagnosis.verdict.now.limit)}}},
          {"cause", diagnosis.verdict.cause},
          {"changes", changes},
          {"words", diagnosis.verdict.words}};
}

}  // namespace lockstep::tune
