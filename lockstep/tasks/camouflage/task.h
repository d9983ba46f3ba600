#pragma once

#include <memory>

#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/tasks/camouflage/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::camouflage {

/// Segmentation of camouflaged objects, and of anything else that has images and masks.
class CamouflageTask : public Task {
 public:
  /// Looks the dataset's files up. Throws DataError where images or masks are missing, UsageError for bad options.
  explicit CamouflageTask(const Options& options);

  std::string name() const override { return "camouflage"; }
  const data::Dataset& training_set() const override { return *training_set_; }

  /// The training set once more, which keeps its decoded pixels in that storage; it must outlive the set.
  std::unique_ptr<data::Dataset> make_training_set(data::PixelStorage& pixels) const;

  const data::Dataset& evaluation_set() const override { return *evaluation_set_; }
  bool has_deep_supervision() const override { return options_.deep_supervision; }
  std::vector<Alternative> cheaper_alternatives() const override;
  std::unique_ptr<Model> make_model(std::optional<std::uint64_t> seed) const override;
  std::map<std::string, double> summarise(std::span<const Record> records) const override;
  std::string best_metric() const override { return "iou"; }

 private:
  Options options_;
  std::unique_ptr<data::PixelStorage> pixels_;  ///< null: decoded pixels are not kept
  std::unique_ptr<data::ImageMaskDataset> training_set_;
  std::unique_ptr<data::ImageMaskDataset> evaluation_set_;
};

}  // namespace lockstep::tasks::camouflage
