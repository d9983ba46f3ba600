// Patches of volumes: cut, turned, changed, with their labels, in batches that are then normalised; by so many threads
// and the one that asks for them, which share as many cores.
//
// usage: bench_patches FOLDER DEPTH HEIGHT WIDTH THREADS

#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/protocol.h"
#include "lockstep/base/text.h"
#include "lockstep/data/loader.h"
#include "lockstep/data/patch_dataset.h"
#include "lockstep/tasks/surface/model.h"
#include "lockstep/train/device_batch.h"

int main(int, char** arguments) {
  using namespace lockstep;
  constexpr std::uint64_t kBatch = 4;
  constexpr std::uint64_t kBatches = 256;  // of a round, beside which what is decoded ahead counts little
  const int threads = std::atoi(arguments[5]);
  if (threads == 1) {
    benchmarks::stay_on_core(0);
  }
  at::set_num_threads(1);

  tasks::surface::Options options;
  options.patch_size = text(arguments[2], ",", arguments[3], ",", arguments[4]);
  options.symmetries = "in-plane";
  options.samples_per_epoch = kBatch * kBatches;
  const data::VolumeStore store(data::find_volumes(arguments[1]).train, {.threads = threads});
  std::vector<std::size_t> volumes;
  for (std::size_t i = 0; i < store.size(); ++i) {
    volumes.push_back(i);
  }
  const data::PatchDataset patches(store, volumes, options.patches(options.patch()));
  tasks::surface::SurfaceModel model(options, options.patch(), /*seed=*/std::nullopt);

  data::DecodePool pool(threads);
  data::Loader loader(pool, patches, data::BatchPlan{kBatch * kBatches, kBatch, kBatch, 1}, {.seed = 1});
  benchmarks::serve([&]() -> benchmarks::Figures {
    const double ms = benchmarks::milliseconds([&] {
      for (std::uint64_t i = 0; i < kBatches; ++i) {
        data::Batch batch = loader.next(/*rank=*/0);
        {
          tasks::DeviceBatch on_device = train::to_device(batch, c10::kCPU);
          model.prepare(on_device);
        }
        loader.recycle(std::move(batch));
      }
    });
    return {{"patches_per_second", 1e3 * kBatches * kBatch / ms}};
  });
  return 0;
}
