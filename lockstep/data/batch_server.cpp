#include "lockstep/data/batch_server.h"

#include <sched.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/batch_stream.h"
#include "lockstep/data/image_mask_dataset.h"

namespace lockstep::data {
namespace {

std::vector<ImageMaskPair> pairs_of(const std::filesystem::path& set) {
  std::vector<ImageMaskPair> pairs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(set / "img", error)) {
    const std::string name = entry.path().stem();
    pairs.push_back({name, entry.path(), set / "mask" / (name + ".png")});
  }
  if (pairs.empty()) {
    throw DataError(text("no images in ", (set / "img").string()), "give a folder with img/ and mask/");
  }
  std::ranges::sort(pairs, {}, &ImageMaskPair::name);
  return pairs;
}

}  // namespace

void serve_batches(const BatchServerOptions& options, std::istream& in, std::ostream& out) {
  constexpr int kSide = 352;
  constexpr std::uint64_t kBatch = 16;
  const ImageMaskDataset photographs(pairs_of(options.set), {.image_size = kSide, .augment = true});
  BatchStream stream(photographs, {options.num_workers, kBatch});
  out << "READY" << std::endl;
  for (std::string line; std::getline(in, line) && line == "go";) {
    stream.take_batches(options.warm_up_batches);
    const StreamMeasure measure = stream.take_batches(options.measured_batches);
    const nlohmann::json answer = {{"ips", measure.samples_per_second()},
                                   {"cpu_ms", 1e3 / measure.samples_per_cpu_second()}};
    out << answer.dump() << std::endl;
  }
}

void pin_to_cores(int count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (int core = count == 1 ? 1 : 0; core < std::max(count, 2); ++core) {
    CPU_SET(core, &cores);
  }
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) {
    throw MachineError(text("this process may not run on ", count, " core(s) from core ", count == 1 ? 1 : 0, " on"),
                       "give a number of cores that the machine has");
  }
}

}  // namespace lockstep::data
