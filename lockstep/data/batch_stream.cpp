#include "lockstep/data/batch_stream.h"

#include <utility>

#include "lockstep/base/clock.h"
#include "lockstep/base/cpu_time.h"

namespace lockstep::data {
namespace {

LoaderOptions loader_options(const BatchStreamOptions& options) {
  LoaderOptions loading;
  loading.seed = options.seed;
  return loading;
}

}  // namespace

BatchStream::BatchStream(const ImageMaskDataset& dataset, const BatchStreamOptions& options)
    : plan_{dataset.size(), options.batch_size, options.batch_size, /*world_size=*/1},
      pool_(options.num_workers),
      loader_(pool_, dataset, plan_, loader_options(options)) {}

template <typename IsEnough>
StreamMeasure BatchStream::take_until(const IsEnough& is_enough) {
  StreamMeasure measure;
  const Stopwatch watch;
  const double cpu_before = cpu_seconds_of_process();
  do {
    Batch batch = loader_.next(/*rank=*/0);
    planes_.finish(batch);
    measure.samples += batch.size();
    loader_.recycle(std::move(batch));
    measure.seconds = watch.seconds();
  } while (!is_enough(measure));
  measure.cpu_seconds = cpu_seconds_of_process() - cpu_before;
  return measure;
}

StreamMeasure BatchStream::take_batches(std::uint64_t count) {
  if (count == 0) {
    return {};
  }
  std::uint64_t taken = 0;
  return take_until([&](const StreamMeasure&) { return ++taken == count; });
}

StreamMeasure BatchStream::take_for(double seconds) {
  return take_until([&](const StreamMeasure& measure) { return measure.seconds >= seconds; });
}

}  // namespace lockstep::data
