#include "lockstep/train/evaluation.h"

#include <algorithm>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/base/probe.h"

namespace lockstep::train {
namespace {

/// A record and the sample in the set that it is of.
struct PlacedRecord {
  std::uint64_t position = 0;
  tasks::Record record;
};

/// What a rank tells the others: whether it came to the end, then each record as its position, its length and its
/// numbers.
std::vector<double> pack(const std::vector<PlacedRecord>& records, bool is_whole) {
  std::vector<double> numbers{is_whole ? 1.0 : 0.0};
  for (const PlacedRecord& placed : records) {
    numbers.push_back(static_cast<double>(placed.position));
    numbers.push_back(static_cast<double>(placed.record.size()));
    numbers.insert(numbers.end(), placed.record.begin(), placed.record.end());
  }
  return numbers;
}

/// Adds to `records`; gives whether that rank came to the end.
bool unpack(std::span<const std::byte> bytes, std::vector<PlacedRecord>& records) {
  std::vector<double> numbers(bytes.size() / sizeof(double));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  auto number = numbers.begin();
  const bool is_whole = *number++ != 0;
  while (number != numbers.end()) {
    PlacedRecord placed;
    placed.position = static_cast<std::uint64_t>(*number++);
    const auto length = static_cast<std::ptrdiff_t>(*number++);
    placed.record.assign(number, number + length);
    number += length;
    records.push_back(std::move(placed));
  }
  return is_whole;
}

}  // namespace

Metrics evaluate(parallel::Rank& rank, const tasks::Task& task, tasks::Model& model, data::DecodePool& pool,
                 std::int64_t batch_size, const Precision& precision, data::BadSamples* bad_samples) {
  return evaluate_or_leave(rank, task, model, pool, {batch_size, precision, bad_samples}).value();
}

std::optional<Metrics> evaluate_or_leave(parallel::Rank& rank, const tasks::Task& task, tasks::Model& model,
                                         data::DecodePool& pool, const SweepOptions& options) {
  std::vector<PlacedRecord> own;
  const bool is_whole = sweep(rank, task.evaluation_set(), model, pool, options, [&](const tasks::DeviceBatch& batch) {
    std::vector<tasks::Record> scores = model.score(batch);
    for (std::size_t i = 0; i < batch.host.size(); ++i) {
      own.push_back({batch.host.draws[i].position, std::move(scores.at(i))});
    }
  });
  const std::vector<double> packed = pack(own, is_whole);
  std::vector<PlacedRecord> placed;
  bool all_are_whole = true;
  for (const auto& bytes : rank.group.all_gather(std::as_bytes(std::span(packed)))) {
    all_are_whole = unpack(bytes, placed) && all_are_whole;
  }
  if (!all_are_whole) {
    return std::nullopt;
  }
  // Sums are taken in the order of the set, whoever scored a sample.
  std::ranges::sort(placed, {}, &PlacedRecord::position);
  std::vector<tasks::Record> records;
  for (PlacedRecord& one : placed) {
    records.push_back(std::move(one.record));
  }
  if (records.empty()) {
    throw DataError("no sample of the evaluation set can be read", "mend the files that are named above");
  }
  return task.summarise(records);
}

Statistics gather_statistics(parallel::Group& group, tasks::Model& model) {
  const auto own = model.take_statistics();
  std::vector<double> numbers;
  for (const auto& [name, number] : own) {
    numbers.push_back(number);
  }
  Statistics sums;
  for (const auto& bytes : group.all_gather(std::as_bytes(std::span(numbers)))) {
    if (bytes.size() != numbers.size() * sizeof(double)) {
      continue;  // a rank that had no samples has counted nothing
    }
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      sums[own[i].first] += numbers[i];
    }
  }
  return sums;
}

std::vector<observe::PartSeconds> gather_times(parallel::Group& group, const observe::PartSeconds& own) {
  std::vector<observe::PartSeconds> of_ranks;
  for (const auto& bytes : group.all_gather(std::as_bytes(std::span(&own, 1)))) {
    LOCKSTEP_ASSERT(bytes.size() == sizeof own, "a rank sends the seconds of its parts");
    std::memcpy(static_cast<void*>(&of_ranks.emplace_back()), bytes.data(), sizeof own);
  }
  return of_ranks;
}

std::vector<tasks::Example> illustrate(const parallel::Rank& rank, const tasks::Task& task, tasks::Model& model,
                                       std::size_t count, data::BadSamples* bad_samples,
                                       const std::function<bool()>& leave) {
  const data::Dataset& set = task.evaluation_set();
  count = std::min(count, set.size());
  constexpr std::size_t kTogether = 3;
  std::vector<tasks::Example> examples;
  const SweepOptions sweeping{.bad_samples = bad_samples};
  for (std::size_t begin = 0; begin < count && !(leave && leave()); begin += kTogether) {
    const ProbeScope probe("examples from sample", static_cast<int>(begin));  // each few of them are a sign of life
    std::vector<std::uint64_t> indices;
    for (std::size_t i = begin; i < std::min(begin + kTogether, count); ++i) {
      indices.push_back(i * set.size() / count);
    }
    visit_samples(rank, set, model, indices, sweeping, [&](const tasks::DeviceBatch& batch) {
      std::vector<tasks::Example> some = model.illustrate(batch);
      for (std::size_t i = 0; i < some.size(); ++i) {
        some[i].caption = set.name(batch.host.draws.at(i).index);
        examples.push_back(std::move(some[i]));
      }
    });
  }
  return examples;
}

}  // namespace lockstep::train
