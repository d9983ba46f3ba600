#include "lockstep/data/loading_speed.h"

#include <algorithm>
#include <cstring>
#include <iomanip>
#include <sstream>

#include "lockstep/base/clock.h"
#include "lockstep/base/files.h"
#include "lockstep/base/rounded.h"
#include "lockstep/base/text.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/huffman.h"

namespace lockstep::data {
namespace {

constexpr std::size_t kMostFiles = 48;  ///< for the limit of Huffman decoding: held in memory
constexpr int kRounds = 5;              ///< of a limit, of which the median counts

/// The median of what rounds of `work` take, in seconds.
template <typename Work>
double median_seconds(const Work& work) {
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) {
    const Stopwatch watch;
    work();
    seconds.push_back(watch.seconds());
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRounds / 2);
  return seconds[kRounds / 2];
}

double huffman_seconds(const std::vector<std::filesystem::path>& images) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> files;
  for (std::size_t i = 0; i < images.size() && files.size() < kMostFiles; ++i) {
    std::vector<std::byte> bytes = read_file(images[i]);
    if (media::read_image_header(bytes, images[i].string()).format == media::Format::kJpeg) {
      files.emplace_back(images[i].string(), std::move(bytes));
    }
  }
  if (files.empty()) {
    return 0;
  }
  const double seconds = median_seconds([&] {
    for (const auto& [name, bytes] : files) {
      media::decode_huffman_alone(bytes, name);
    }
  });
  return seconds / static_cast<double>(files.size());
}

double memcpy_seconds(std::size_t bytes_per_sample, std::uint64_t batch_size) {
  std::vector<std::byte> source(bytes_per_sample * batch_size, std::byte{1});
  std::vector<std::byte> destination(source.size(), std::byte{2});
  const double seconds = median_seconds([&] { std::memcpy(destination.data(), source.data(), source.size()); });
  return seconds / static_cast<double>(batch_size);
}

class Table {
 public:
  Table() { lines_ << std::fixed; }

  void add(const std::string& name, double seconds, const std::string& note) {
    constexpr double kMilliseconds = 1e3;
    lines_ << "  " << std::left << std::setw(16) << name << std::right << std::setprecision(3) << std::setw(9)
           << kMilliseconds * seconds << "  " << note << "\n";
  }

  void add_share(const std::string& name, double seconds, double of_all) {
    std::ostringstream share;
    share << std::fixed << std::setprecision(1) << std::setw(5) << 100 * seconds / of_all << " %";
    add(name, seconds, share.str());
  }

  std::string lines() const { return lines_.str(); }

 private:
  std::ostringstream lines_;
};

}  // namespace

LoadingSpeed measure_loading(const ImageMaskDataset& dataset, const std::vector<std::filesystem::path>& images,
                             const BatchStreamOptions& options, WarmUp warm_up, double seconds) {
  constexpr std::uint64_t kFewBatches = 4;
  LoadingSpeed speed;
  speed.num_workers = options.num_workers;
  speed.bytes_per_sample = PlaneBatch::bytes_per_sample(dataset.layout());
  {
    BatchStream stream(dataset, options);
    stream.take_batches(warm_up == WarmUp::kEpoch ? stream.batches_per_epoch() : kFewBatches);
    const WorkMeter meter;
    speed.measure = stream.take_for(seconds);
    speed.work = meter.times();
  }
  speed.huffman_seconds = huffman_seconds(images);
  speed.memcpy_seconds = memcpy_seconds(speed.bytes_per_sample, options.batch_size);
  return speed;
}

std::string describe(const LoadingSpeed& speed) {
  const auto samples = static_cast<double>(speed.measure.samples);
  double all = 0;
  for (const auto& [name, time] : speed.work) {
    all += time.seconds;
  }
  const double per_core = speed.measure.samples_per_cpu_second();
  Table table;
  // In the order in which they are done; names that others have given come behind.
  std::map<std::string, WorkTime> left = speed.work;
  for (const char* name : {"read", "decode image", "decode mask", "resize", "colour", "copy", "other"}) {
    if (const auto found = left.extract(name); !found.empty()) {
      table.add_share(name, found.mapped().seconds / samples, all / samples);
    }
  }
  for (const auto& [name, time] : left) {
    table.add_share(name, time.seconds / samples, all / samples);
  }
  table.add_share("sum", all / samples, all / samples);
  const std::string lines_of_parts = table.lines();
  Table limits;
  if (speed.huffman_seconds > 0) {
    limits.add("Huffman alone", speed.huffman_seconds,
               text(rounded(1 / speed.huffman_seconds), " images/s a core; this is ",
                    rounded(100 * per_core * speed.huffman_seconds), " % of it"));
  }
  limits.add("memcpy", speed.memcpy_seconds,
             text(rounded(static_cast<double>(speed.bytes_per_sample) / speed.memcpy_seconds / 1e9),
                  " GB/s, a sample of ", rounded(static_cast<double>(speed.bytes_per_sample) / 1e6), " MB"));
  return text(rounded(speed.measure.samples_per_second()), " images/s with ", speed.num_workers, " decode thread",
              speed.num_workers == 1 ? "" : "s", "; ", rounded(per_core), " images/s a core (a second of CPU time)\n\n",
              "  part             ms an image, and its share\n", lines_of_parts, "\n  limit            ms an image\n",
              limits.lines());
}

}  // namespace lockstep::data
