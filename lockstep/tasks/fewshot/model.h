#pragma once

#include <string>
#include <vector>

#include "lockstep/models/few_shot_detector.h"
#include "lockstep/tasks/fewshot/evaluation.h"
#include "lockstep/tasks/fewshot/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::fewshot {

/// The few-shot detector with its loss and its metrics. Batches have the fields of data::EpisodeDataset; the episodes
/// of a batch go through the network one after the other.
class FewShotModel : public Model {
 public:
  /// As Task::make_model. `names`: of all classes of the set.
  FewShotModel(const Options& options, std::vector<std::string> names, std::optional<std::uint64_t> seed);

  torch::nn::Module& network() override { return *network_; }
  std::string backbone_prefix() const override { return "backbone."; }
  std::vector<std::string> backbone_stages() const override;
  void set_memory_format(at::MemoryFormat format) override { network_->set_memory_format(format); }

  /// Normalises: afterwards supports and queries are (batch, count, 3, height, width) float32.
  void prepare(DeviceBatch& batch) override;

  /// Needs an nn::RandomScope: the network also learns from true boxes that are moved at random.
  at::Tensor losses(const DeviceBatch& batch) override;

  /// See summarise_episodes.
  std::vector<Record> score(const DeviceBatch& batch) override;

  /// A row a class: its examples, a picture in which to look for it with what is there, and with what was found.
  std::vector<Example> illustrate(const DeviceBatch& batch) override;

  models::FewShotDetector& detector() { return *network_; }

 protected:
  /// What is found on the queries of an episode of a prepared batch: another way to look can be put in its place.
  virtual std::vector<models::QueryDetections> detect(const DeviceBatch& batch, std::int64_t episode);

  models::Prototypes prototypes_of(const DeviceBatch& batch, std::int64_t episode);

 private:
  EpisodeResult result_of(const DeviceBatch& batch, std::int64_t episode);

  std::shared_ptr<models::FewShotDetector> network_;
  LossWeights loss_weights_;
  std::vector<std::string> names_;
};

/// Normalises pictures that need nothing else: (count, height, width, 3) uint8 to (count, 3, height, width) float32.
at::Tensor normalised(const at::Tensor& pictures);

/// Adds what was found on a picture of that number.
void add_detections(const models::QueryDetections& answers, std::int64_t picture,
                    std::vector<metrics::Detection>& found);

}  // namespace lockstep::tasks::fewshot
