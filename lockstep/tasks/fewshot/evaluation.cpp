#include "lockstep/tasks/fewshot/evaluation.h"

#include "lockstep/base/error.h"
#include "lockstep/metrics/confidence.h"

namespace lockstep::tasks::fewshot {
namespace {

/// Reads the numbers of a record one after the other.
class Numbers {
 public:
  explicit Numbers(const Record& record) : record_(record) {}

  double next() {
    LOCKSTEP_ASSERT(place_ < record_.size(), "a record of an episode is cut off");
    return record_[place_++];
  }

  template <typename Integer>
  Integer whole() {
    return static_cast<Integer>(next());
  }

 private:
  const Record& record_;
  std::size_t place_ = 0;
};

template <typename Box>
void add_place(Record& record, const Box& box) {
  record.insert(record.end(),
                {static_cast<double>(box.image), static_cast<double>(box.category), box.x0, box.y0, box.x1, box.y1});
}

template <typename Box>
void read_place(Numbers& numbers, Box& box) {
  box.image = numbers.whole<std::int64_t>();
  box.category = numbers.whole<std::int64_t>();
  box.x0 = numbers.next();
  box.y0 = numbers.next();
  box.x1 = numbers.next();
  box.y1 = numbers.next();
}

void add_mean(std::map<std::string, double>& metrics, const std::string& name, const std::vector<double>& values) {
  const metrics::MeanInterval interval = metrics::mean_interval(values);
  metrics[name] = interval.mean;
  metrics[name + "_ci"] = interval.half_width;
}

}  // namespace

Record to_record(const EpisodeResult& result) {
  Record record{static_cast<double>(result.classes.size()), static_cast<double>(result.found.size()),
                static_cast<double>(result.truth.size())};
  record.insert(record.end(), result.classes.begin(), result.classes.end());
  for (const metrics::Detection& one : result.found) {
    add_place(record, one);
    record.push_back(one.score);
  }
  for (const metrics::TrueBox& one : result.truth) {
    add_place(record, one);
    record.push_back(one.is_crowd ? 1 : 0);
    record.push_back(one.is_ignored ? 1 : 0);
  }
  return record;
}

EpisodeResult from_record(const Record& record) {
  Numbers numbers(record);
  EpisodeResult result;
  result.classes.resize(numbers.whole<std::size_t>());
  result.found.resize(numbers.whole<std::size_t>());
  result.truth.resize(numbers.whole<std::size_t>());
  for (std::size_t& number : result.classes) {
    number = numbers.whole<std::size_t>();
  }
  for (metrics::Detection& one : result.found) {
    read_place(numbers, one);
    one.score = numbers.next();
  }
  for (metrics::TrueBox& one : result.truth) {
    read_place(numbers, one);
    one.is_crowd = numbers.next() != 0;
    one.is_ignored = numbers.next() != 0;
  }
  return result;
}

std::map<std::string, double> summarise_episodes(std::span<const Record> records,
                                                 const std::vector<std::string>& names) {
  std::vector<double> ap;
  std::vector<double> ap50;
  std::vector<double> ap75;
  std::map<std::size_t, std::vector<double>> of_classes;
  for (const Record& record : records) {
    const EpisodeResult result = from_record(record);
    const metrics::AveragePrecision precision = metrics::average_precision(result.found, result.truth);
    ap.push_back(precision.ap);
    ap50.push_back(precision.ap50);
    ap75.push_back(precision.ap75);
    for (const metrics::CategoryPrecision& category : precision.categories) {
      of_classes[result.classes.at(static_cast<std::size_t>(category.category))].push_back(category.ap50);
    }
  }
  std::map<std::string, double> metrics;
  add_mean(metrics, "ap", ap);
  add_mean(metrics, "ap50", ap50);
  add_mean(metrics, "ap75", ap75);
  for (const auto& [number, values] : of_classes) {
    metrics["ap50 " + names.at(number)] = metrics::mean_interval(values).mean;
  }
  return metrics;
}

}  // namespace lockstep::tasks::fewshot
