// Episodes of few-shot detection, ready for a network: decoded, cut, scaled, flipped, coloured and normalised by two
// threads.
//
// usage: bench_episodes FOLDER WAYS SHOTS EPISODES

#include <cstdlib>
#include <numeric>
#include <span>
#include <vector>

#include "benchmarks/protocol.h"
#include "lockstep/data/box_folders.h"
#include "lockstep/data/class_split.h"
#include "lockstep/data/episode_dataset.h"
#include "lockstep/data/finish_batch.h"
#include "lockstep/data/loader.h"

namespace {

using namespace lockstep;

data::EpisodeDataset episodes_of(char** arguments) {
  const data::BoxSet set = data::read_box_set(arguments[1]);
  data::ClassSplit split = data::split_classes(set, {});
  split.base.insert(split.base.end(), split.novel.begin(), split.novel.end());
  data::EpisodeDatasetOptions options;
  options.episode = {static_cast<std::size_t>(std::atoi(arguments[2])),
                     static_cast<std::size_t>(std::atoi(arguments[3])), 1};
  options.episodes = static_cast<std::size_t>(std::atoi(arguments[4]));
  options.augment = true;
  return {set.find_split("train")->images, set.classes, split.base, options, "train"};
}

/// Flip, colours and normalisation of all pictures of a field: what a network takes.
void finish(const data::Batch& batch, data::EpisodeField pictures, data::EpisodeField changes,
            std::vector<float>& planes) {
  const auto& pixels = batch.fields[pictures];
  const std::vector<std::int64_t>& shape = batch.layout[pictures].shape;
  const data::BatchShape size{static_cast<int>(static_cast<std::int64_t>(batch.size()) * shape[0]),
                              static_cast<int>(shape[1]), static_cast<int>(shape[2])};
  planes.resize(pixels.size());
  data::finish_batch(
      {reinterpret_cast<const std::uint8_t*>(pixels.data()), pixels.size()},
      {reinterpret_cast<const data::SampleFinish*>(batch.fields[changes].data()), static_cast<std::size_t>(size.batch)},
      size, planes);
}

}  // namespace

int main(int, char** arguments) {
  constexpr int kThreads = 2;
  const data::EpisodeDataset episodes = episodes_of(arguments);
  const data::BatchPlan plan{.samples_per_epoch = episodes.size()};
  data::DecodePool pool(kThreads);
  std::uint64_t epoch = 0;
  std::vector<float> supports;
  std::vector<float> queries;
  benchmarks::serve([&]() -> benchmarks::Figures {
    const double ms = benchmarks::milliseconds([&] {
      data::Loader loader(pool, episodes, plan, {.seed = 1, .first_epoch = epoch, .end_epoch = epoch + 1});
      for (std::uint64_t step = 0; step < plan.steps_per_epoch(); ++step) {
        data::Batch batch = loader.next(0);
        finish(batch, data::kSupportField, data::kSupportFinishField, supports);
        finish(batch, data::kQueryField, data::kQueryFinishField, queries);
        loader.recycle(std::move(batch));
      }
    });
    ++epoch;
    return {{"episodes_per_minute", 60e3 * static_cast<double>(episodes.size()) / ms}};
  });
  return 0;
}
