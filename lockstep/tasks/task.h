#pragma once

#include <c10/core/MemoryFormat.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/base/sample_unit.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/dataset.h"

namespace lockstep::tasks {

/// The samples of one forward pass, on the device of a rank.
struct DeviceBatch {
  std::vector<at::Tensor> fields;  ///< (batch, *shape), one a field of the dataset's layout
  const data::Batch& host;         ///< the same samples as they were decoded, with their draws and ragged arrays
  double mean_extent = 1;          ///< in training: the mean of Task::extent over the samples of the global batch
};

/// What one sample contributes to the metrics: numbers whose meaning only the task knows.
using Record = std::vector<double>;

/// An example for the report and the contact sheet.
struct Example {
  std::string caption;
  std::vector<std::byte> png;
};

/// A network together with what it learns from; each rank has one of its own. Used by one thread at a time.
class Model {
 public:
  virtual ~Model() = default;

  virtual torch::nn::Module& network() = 0;

  /// The part of the network that published weights are for, as the prefix of its parameters' names ("backbone.");
  /// empty where there is none.
  virtual std::string backbone_prefix() const = 0;

  /// The parts of the backbone in the order in which they may be thawed, the deepest first, as prefixes of their
  /// parameters' names ("backbone.stages.3."). Empty where the backbone has no parts.
  virtual std::vector<std::string> backbone_stages() const { return {}; }

  /// How images lie in memory inside the network: channels last or contiguous. It changes results by rounding only. A
  /// model that knows one format keeps to it.
  virtual void set_memory_format(at::MemoryFormat) {}

  /// What the device does to a batch before the network sees it, such as what is left of the augmentation. Called once
  /// for a batch, before any of the calls below.
  virtual void prepare(DeviceBatch&) {}

  /// The loss of each sample: (batch) float32. It depends on that sample alone, and on DeviceBatch::mean_extent; the
  /// loop sums it over the global batch and divides once by the global count, so that the split over ranks and passes
  /// does not matter. A sum over parts of samples, divided by mean_extent, comes to be divided by the number of these
  /// parts in the global batch. Other terms over the whole batch do not belong here.
  virtual at::Tensor losses(const DeviceBatch& batch) = 0;

  /// What the network counted while it was trained since the last call, by name, such as the pixels that each expert
  /// got. The numbers of several ranks are to be added up.
  virtual std::vector<std::pair<std::string, double>> take_statistics() { return {}; }

  /// Remembers what was counted so far …
  virtual void remember_statistics() {}

  /// … and forgets what was counted since: a step that is made again, or that is dropped, does not count.
  virtual void restore_statistics() {}

  /// Compares the network's answer with the truth, one record a sample. Called in evaluation mode, without gradients.
  virtual std::vector<Record> score(const DeviceBatch& batch) = 0;

  /// Pictures of the network's answers, at most one a sample. Called as `score` is.
  virtual std::vector<Example> illustrate(const DeviceBatch& batch) = 0;
};

/// A setting with which a step would cost less, for who has not the time for what he asked for.
struct Alternative {
  std::string flag;          ///< "--img-size 320"
  double share_of_work = 1;  ///< of the passes over the network, that would be left
};

/// A workload: what is read, learnt and measured. It knows nothing of threads, ranks, steps or files of the run.
class Task {
 public:
  virtual ~Task() = default;

  virtual std::string name() const = 0;

  /// What a sample is called in the progress line, the log and the report.
  virtual SampleUnit unit() const { return {}; }

  virtual const data::Dataset& training_set() const = 0;
  virtual const data::Dataset& evaluation_set() const = 0;

  /// How many parts of a sample a sum in its loss goes over, such as the voxels that are learnt from: a function of the
  /// draw, called before the samples of a step are passed through the network, by several threads at once. It throws
  /// DataError where loading the sample would. Empty where no loss is divided by the number of such parts.
  virtual std::function<double(const data::Draw&)> extent() const { return {}; }

  /// Whether its losses are also on answers from within the network, for which the learning rate may be lowered.
  virtual bool has_deep_supervision() const { return false; }

  /// The mildest first.
  virtual std::vector<Alternative> cheaper_alternatives() const { return {}; }

  /// The flag that makes samples smaller, for who has not the memory or the time for larger ones.
  virtual std::string size_flag() const { return "--img-size"; }

  /// A model with initial weights that depend on the seed alone; without a seed they are arbitrary, for a model that
  /// is then given others: to draw them takes as long as some steps.
  virtual std::unique_ptr<Model> make_model(std::optional<std::uint64_t> seed) const = 0;

  /// The metrics by name, from the records of the whole evaluation set in its order.
  virtual std::map<std::string, double> summarise(std::span<const Record> records) const = 0;

  /// The metric by which the best weights are chosen; larger is better.
  virtual std::string best_metric() const = 0;
};

}  // namespace lockstep::tasks
