#include "lockstep/tune/canned_task.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"

namespace lockstep::tune {
namespace {

data::Batch load_some(const data::Dataset& samples, std::size_t count, std::uint64_t seed,
                      data::BadSamples* bad_samples) {
  std::vector<data::Draw> draws;
  for (std::uint64_t index = 0; index < std::min(count, samples.size()); ++index) {
    draws.push_back({seed, 0, index, index});
  }
  data::Batch batch = data::load_batch(samples, std::move(draws), bad_samples);
  if (batch.size() == 0) {
    throw DataError("none of the first samples can be read", "mend the files that are named above");
  }
  return batch;
}

class CannedDataset : public data::Dataset {
 public:
  CannedDataset(const data::Dataset& samples, std::size_t count, std::uint64_t seed, data::BadSamples* bad_samples)
      : samples_(samples), kept_(load_some(samples, count, seed, bad_samples)) {}

  std::size_t size() const override { return samples_.size(); }
  const std::vector<data::Field>& layout() const override { return samples_.layout(); }
  std::string name(std::size_t index) const override { return samples_.name(index); }

  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    const std::size_t place = draw.index % kept_.size();
    for (std::size_t field = 0; field < slot.fields.size(); ++field) {
      const std::size_t bytes = slot.fields[field].size();
      std::memcpy(slot.fields[field].data(), kept_.fields[field].data() + place * bytes, bytes);
    }
    *slot.ragged = kept_.ragged[place];
  }

 private:
  const data::Dataset& samples_;
  const data::Batch kept_;
};

/// All that a task is, but for its training set.
class TaskWithSamples : public tasks::Task {
 public:
  TaskWithSamples(const tasks::Task& task, std::shared_ptr<const data::Dataset> samples)
      : task_(task), samples_(std::move(samples)) {}

  std::string name() const override { return task_.name(); }
  const data::Dataset& training_set() const override { return *samples_; }
  const data::Dataset& evaluation_set() const override { return task_.evaluation_set(); }
  bool has_deep_supervision() const override { return task_.has_deep_supervision(); }
  std::string size_flag() const override { return task_.size_flag(); }
  std::unique_ptr<tasks::Model> make_model(std::optional<std::uint64_t> seed) const override {
    return task_.make_model(seed);
  }
  std::map<std::string, double> summarise(std::span<const tasks::Record> records) const override {
    return task_.summarise(records);
  }
  std::string best_metric() const override { return task_.best_metric(); }

 private:
  const tasks::Task& task_;
  std::shared_ptr<const data::Dataset> samples_;
};

}  // namespace

std::unique_ptr<tasks::Task> make_task_with(const tasks::Task& task, std::shared_ptr<const data::Dataset> samples) {
  return std::make_unique<TaskWithSamples>(task, std::move(samples));
}

std::unique_ptr<tasks::Task> make_canned_task(const tasks::Task& task, std::size_t count, std::uint64_t seed,
                                              data::BadSamples* bad_samples) {
  return make_task_with(task, std::make_shared<CannedDataset>(task.training_set(), count, seed, bad_samples));
}

}  // namespace lockstep::tune
