#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/data/patch_dataset.h"
#include "lockstep/data/tile_dataset.h"
#include "lockstep/data/volume_store.h"
#include "lockstep/tasks/surface/options.h"
#include "lockstep/tasks/task.h"

namespace lockstep::tasks::surface {

/// Segmentation of a surface, or of anything else, in volumes.
class SurfaceTask : public Task {
 public:
  /// Looks the files up and opens the volumes, by so many threads. Where several processes of a machine do so, each has
  /// its share of the memory. Throws DataError where some are missing or broken, UsageError for bad options.
  SurfaceTask(const Options& options, int threads, int processes = 1);

  std::string name() const override { return "surface"; }
  std::function<double(const data::Draw&)> extent() const override;  ///< the voxels that are not to be ignored
  const data::Dataset& training_set() const override { return *training_set_; }
  const data::Dataset& evaluation_set() const override { return *evaluation_set_; }
  bool has_deep_supervision() const override { return options_.deep_supervision; }
  std::string size_flag() const override { return "--patch-size"; }
  std::unique_ptr<Model> make_model(std::optional<std::uint64_t> seed) const override;
  std::map<std::string, double> summarise(std::span<const Record> records) const override;
  std::string best_metric() const override { return "dice"; }

  /// That of the options, cut to the volumes where all that are learnt from are smaller along an axis.
  const models::Extent& patch() const { return patch_; }

 private:
  Options options_;
  models::Extent patch_{};
  std::unique_ptr<data::VolumeStore> store_;
  std::unique_ptr<data::PatchDataset> training_set_;
  std::unique_ptr<data::TileDataset> evaluation_set_;
};

/// The volumes of a dataset, and which of them are to learn from. Throws as SurfaceTask.
data::VolumeSplit split_of(const Options& options);

}  // namespace lockstep::tasks::surface
