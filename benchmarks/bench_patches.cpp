// Patches of volumes on one thread: cut, turned, changed, with their labels.
//
// usage: bench_patches FOLDER DEPTH HEIGHT WIDTH

#include <cstdlib>
#include <vector>

#include "benchmarks/protocol.h"
#include "lockstep/data/batch.h"
#include "lockstep/data/patch_dataset.h"

int main(int, char** arguments) {
  using namespace lockstep;
  constexpr std::uint64_t kBatch = 4;
  constexpr std::uint64_t kBatches = 16;
  const data::VolumeStore store(data::find_volumes(arguments[1]).train, {.threads = 2});
  data::PatchOptions options;
  options.patch = {std::atoi(arguments[2]), std::atoi(arguments[3]), std::atoi(arguments[4])};
  std::vector<std::size_t> volumes;
  for (std::size_t i = 0; i < store.size(); ++i) {
    volumes.push_back(i);
  }
  const data::PatchDataset patches(store, volumes, options);
  benchmarks::stay_on_core(0);
  std::uint64_t epoch = 0;
  data::Batch batch;
  benchmarks::serve([&]() -> benchmarks::Figures {
    const double ms = benchmarks::milliseconds([&] {
      for (std::uint64_t first = 0; first < kBatches * kBatch; first += kBatch) {
        std::vector<data::Draw> draws;
        for (std::uint64_t i = first; i < first + kBatch; ++i) {
          draws.push_back({1, epoch, i, i % patches.size()});
        }
        data::shape_batch(batch, patches.layout(), std::move(draws));
        for (std::size_t i = 0; i < kBatch; ++i) {
          patches.load(batch.draws[i], data::slot_of(batch, i));
        }
      }
    });
    ++epoch;
    return {{"patches_per_second", 1e3 * kBatches * kBatch / ms}};
  });
  return 0;
}
