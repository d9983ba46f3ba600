#include "lockstep/tasks/surface/task.h"

#include <algorithm>
#include <numeric>

#include "lockstep/base/comma_list.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/data/available_memory.h"
#include "lockstep/tasks/surface/model.h"

namespace lockstep::tasks::surface {
namespace {

/// So much of a tile at each border only surrounds what is scored: there the network sees less.
constexpr std::int64_t kContextShare = 8;

models::Extent fitted(models::Extent patch, const data::VolumeStore& store, std::size_t volumes) {
  models::Extent largest{};
  for (std::size_t i = 0; i < volumes; ++i) {
    const media::VolumeShape& shape = store[i].image.shape();
    largest = {std::max(largest[0], shape.depth), std::max(largest[1], shape.height),
               std::max(largest[2], shape.width)};
  }
  for (std::size_t axis = 0; axis < patch.size(); ++axis) {
    patch[axis] = std::min(patch[axis], largest[axis]);
  }
  return patch;
}

/// Of so many processes, which have no volumes in common.
std::uint64_t memory_of_one(const Options& options, int processes) {
  const std::uint64_t of_all = options.memory_limit().value_or(data::available_memory() / 2);
  return of_all / static_cast<std::uint64_t>(processes);
}

std::vector<std::size_t> numbers(std::size_t first, std::size_t end) {
  std::vector<std::size_t> all(end - first);
  std::iota(all.begin(), all.end(), first);
  return all;
}

}  // namespace

data::VolumeSplit split_of(const Options& options) {
  return data::split_volumes(data::find_volumes(options.dataset_path),
                             {.ids = split_at_commas(options.held_out), .share = options.held_out_share});
}

SurfaceTask::SurfaceTask(const Options& options, int threads, int processes) : options_(options) {
  options_.validate();
  const data::VolumeSplit split = split_of(options_);
  std::vector<data::VolumePair> pairs = split.training;
  pairs.insert(pairs.end(), split.evaluation.begin(), split.evaluation.end());
  store_ = std::make_unique<data::VolumeStore>(
      pairs, data::VolumeStoreOptions{.memory_limit = memory_of_one(options_, processes), .threads = threads});
  log::info(text(options_.dataset_path.string(), ": ", split.words, "; ", store_->words()));

  const std::size_t to_learn_from = split.training.size();
  patch_ = fitted(options_.patch(), *store_, to_learn_from);
  options_.network(patch_).plan.validate();
  training_set_ = std::make_unique<data::PatchDataset>(*store_, numbers(0, to_learn_from), options_.patches(patch_));
  const data::TileOptions tiles{.patch = {patch_[0], patch_[1], patch_[2]},
                                .context = *std::ranges::min_element(patch_) / kContextShare};
  evaluation_set_ = std::make_unique<data::TileDataset>(*store_, numbers(to_learn_from, pairs.size()), tiles);
}

std::unique_ptr<Model> SurfaceTask::make_model(std::optional<std::uint64_t> seed) const {
  return std::make_unique<SurfaceModel>(options_, patch_, seed);
}

std::function<double(const data::Draw&)> SurfaceTask::extent() const {
  return [this](const data::Draw& draw) { return static_cast<double>(training_set_->known_voxels(draw)); };
}

std::map<std::string, double> SurfaceTask::summarise(std::span<const Record> records) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < store_->size(); ++i) {
    names.push_back((*store_)[i].id);
  }
  return summarise_counts(records, names);
}

}  // namespace lockstep::tasks::surface
