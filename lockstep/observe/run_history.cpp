#include "lockstep/observe/run_history.h"

#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "lockstep/base/files.h"

namespace lockstep::observe {
namespace {

/// Seconds since 1970 of a time as utc_now() writes it.
std::optional<double> parse_time(const nlohmann::json& record) {
  std::tm parts{};
  double seconds = 0;
  if (std::sscanf(record.at("time").get<std::string>().c_str(), "%d-%d-%dT%d:%d:%lf", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &seconds) != 6) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return static_cast<double>(::timegm(&parts)) + seconds;
}

bool is_record(const nlohmann::json& line) {
  const auto has_text = [&line](const char* key) { return line.contains(key) && line.at(key).is_string(); };
  return line.is_object() && has_text("event") && has_text("time");
}

/// Adds up the time between a run's start and its last record.
class WorkingTime {
 public:
  void see(const nlohmann::json& record) {
    const std::optional<double> now = parse_time(record);
    if (now && last_ && record.at("event") != StartEvent::kName) {
      seconds_ += *now - *last_;
    }
    last_ = now;
  }

  double seconds() const { return seconds_; }

 private:
  std::optional<double> last_;
  double seconds_ = 0;
};

/// Steps and evaluations by what makes them unique, so that a later record replaces an earlier one.
struct Collected {
  std::map<std::int64_t, StepEvent> steps;
  std::map<std::pair<std::int64_t, std::string>, EvaluateEvent> evaluations;
  std::vector<nlohmann::json> others;

  void add(const nlohmann::json& record) {
    const std::string event = record.at("event");
    if (event == StepEvent::kName) {
      const auto step = record.get<StepEvent>();
      steps[step.step] = step;
    } else if (event == EvaluateEvent::kName) {
      const auto evaluation = record.get<EvaluateEvent>();
      evaluations[{evaluation.step, evaluation.split}] = evaluation;
    } else {
      if (event == StartEvent::kName && record.contains("step")) {
        give_up_after(record.at("step"));
      }
      others.push_back(record);
    }
  }

 private:
  void give_up_after(std::int64_t step) {
    steps.erase(steps.upper_bound(step), steps.end());
    std::erase_if(evaluations, [step](const auto& entry) { return entry.first.first > step; });
  }
};

}  // namespace

std::vector<nlohmann::json> read_run_log(const std::filesystem::path& path) {
  std::vector<nlohmann::json> records;
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    nlohmann::json record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (is_record(record)) {
      records.push_back(std::move(record));
    }
  }
  return records;
}

RunHistory read_run_history(const std::filesystem::path& path) {
  Collected collected;
  WorkingTime working_time;
  for (const nlohmann::json& record : read_run_log(path)) {
    try {
      collected.add(record);
    } catch (const nlohmann::json::exception&) {
      continue;  // a record of another kind, or of another version of the program
    }
    working_time.see(record);
  }
  RunHistory history;
  for (auto& [_, step] : collected.steps) {
    history.steps.push_back(std::move(step));
  }
  for (auto& [_, evaluation] : collected.evaluations) {
    history.evaluations.push_back(std::move(evaluation));
  }
  history.others = std::move(collected.others);
  history.seconds = working_time.seconds();
  return history;
}

}  // namespace lockstep::observe
