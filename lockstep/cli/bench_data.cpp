#include "lockstep/cli/bench_data.h"

#include <charconv>
#include <iostream>
#include <optional>

#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/camouflage.h"
#include "lockstep/cli/help.h"
#include "lockstep/data/batch_server.h"
#include "lockstep/data/loading_speed.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/tasks/camouflage/folders.h"

namespace lockstep::cli {
namespace {

constexpr const char* kBenchDataDescription =
    "Measures how fast the training images of a dataset are read, decoded, augmented and normalised, into batches that "
    "nothing waits for, and where the time goes; beside it the limits of this machine. With --cache an epoch that is "
    "not "
    "measured fills the cache first. With --serve SET_DIR THREADS CORES WARM_UP MEASURED it is one side of a "
    "comparison: it measures so many batches for each line 'go'.";

struct BenchDataArguments {
  std::filesystem::path dataset_path;
  int image_size = 352;
  std::optional<std::int64_t> num_workers;
  std::int64_t batch_size = 16;
  double seconds = 5;
  std::uint64_t seed = 0;
  data::CacheOptions cache;

  OptionTable table() {
    constexpr double kMostThreads = 1024;
    constexpr double kMostSamples = 1e6;
    const std::string group = "Measurement";
    OptionTable table;
    table.add("--dataset-path", dataset_path, "The dataset, in a layout that 'lockstep train camouflage' takes.",
              {.group = group, .placeholder = "DIR"});
    table.add("--img-size", image_size, "Side of the square that images become, in pixels.",
              {.group = group, .minimum = inclusive(1)});
    table.add("--num-workers", num_workers, "Threads that decode; by default one a core.",
              {.group = group, .minimum = inclusive(1), .maximum = inclusive(kMostThreads)});
    table.add("--batch-size", batch_size, "Images in a batch.",
              {.group = group, .minimum = inclusive(1), .maximum = inclusive(kMostSamples)});
    table.add("--seconds", seconds, "How long it measures.", {.group = group, .minimum = exclusive(0)});
    table.add("--seed", seed, "The order and the augmentation follow from it.",
              {.group = group, .minimum = inclusive(0)});
    add_cache_options(table, group, cache);
    return table;
  }
};

void measure_dataset(const BenchDataArguments& arguments) {
  const auto folders = tasks::camouflage::find_folders(arguments.dataset_path, /*with_negatives=*/false);
  std::vector<std::filesystem::path> images;
  for (const data::ImageMaskPair& pair : folders.train) {
    images.push_back(pair.image);
  }
  const std::unique_ptr<data::PixelStorage> pixels = data::make_pixel_storage(arguments.cache);
  const data::ImageMaskDataset photographs(folders.train, {.image_size = arguments.image_size, .augment = true},
                                           pixels.get());
  data::BatchStreamOptions options;
  options.num_workers = static_cast<int>(arguments.num_workers.value_or(parallel::available_cores()));
  options.batch_size = static_cast<std::uint64_t>(arguments.batch_size);
  options.seed = arguments.seed;
  std::cout << folders.train.size() << " images of " << arguments.dataset_path.string() << " to "
            << arguments.image_size << "x" << arguments.image_size << ", batches of " << arguments.batch_size
            << ", for " << arguments.seconds << " s" << (pixels ? ", after an epoch that fills the cache" : "")
            << std::endl;
  const data::WarmUp warm_up = pixels ? data::WarmUp::kEpoch : data::WarmUp::kFewBatches;
  std::cout << data::describe(data::measure_loading(photographs, images, options, warm_up, arguments.seconds));
}

int number_of_server(const std::string& word) {
  int number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size() || number < 1) {
    throw UsageError(text("--serve: '", word, "' is no number above 0"),
                     "give --serve SET_DIR THREADS CORES WARM_UP MEASURED");
  }
  return number;
}

/// What stands behind --serve is appended by the program that compares.
void serve_comparison(const std::vector<std::string>& words) {
  constexpr std::size_t kWords = 5;
  if (words.size() != kWords) {
    throw UsageError(text("--serve has ", words.size(), " values"),
                     "give five: --serve SET_DIR THREADS CORES WARM_UP MEASURED");
  }
  data::BatchServerOptions options;
  options.set = words[0];
  options.num_workers = number_of_server(words[1]);
  options.warm_up_batches = static_cast<std::uint64_t>(number_of_server(words[3]));
  options.measured_batches = static_cast<std::uint64_t>(number_of_server(words[4]));
  data::pin_to_cores(number_of_server(words[2]));
  data::serve_batches(options, std::cin, std::cout);
}

}  // namespace

std::string bench_data_flags() {
  BenchDataArguments arguments;
  return to_markdown(arguments.table());
}

ExitCode bench_data(const std::string& command, const std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "--serve") {
    serve_comparison({words.begin() + 1, words.end()});
    return ExitCode::kFinished;
  }
  BenchDataArguments arguments;
  const OptionTable table = arguments.table();
  if (parse_or_answer(table, words, command, kBenchDataDescription)) {
    return ExitCode::kFinished;
  }
  if (arguments.dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of a dataset");
  }
  measure_dataset(arguments);
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
