#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lockstep/base/work_meter.h"
#include "lockstep/data/batch_stream.h"

namespace lockstep::data {

/// How fast samples come, where the time goes, and what no loader can do without.
struct LoadingSpeed {
  int num_workers = 1;
  StreamMeasure measure;
  std::map<std::string, WorkTime> work{};  ///< of `measure`, over all threads
  double huffman_seconds = 0;              ///< a JPEG on one core; 0: the set has none
  double memcpy_seconds = 0;               ///< a sample on one core
  std::uint64_t bytes_per_sample = 0;      ///< of the finished planes
};

/// What is taken before the measurement begins.
enum class WarmUp {
  kFewBatches,
  kEpoch,  ///< each sample once, which fills a cache
};

/// Takes batches of the dataset for so many seconds, after those of the warm-up, then measures the limits: Huffman
/// decoding of `images`, those of them that are JPEGs, and the copying of a batch. Throws DataError as the dataset
/// does.
LoadingSpeed measure_loading(const ImageMaskDataset& dataset, const std::vector<std::filesystem::path>& images,
                             const BatchStreamOptions& options, WarmUp warm_up, double seconds);

/// The same in words, as lines of a table.
std::string describe(const LoadingSpeed& speed);

}  // namespace lockstep::data
