#include "lockstep/cli/data_check.h"

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>

#include "lockstep/base/text.h"
#include "lockstep/cli/answer.h"
#include "lockstep/cli/columns.h"
#include "lockstep/cli/help.h"
#include "lockstep/data/box_folders.h"
#include "lockstep/data/box_sources.h"
#include "lockstep/data/class_split.h"
#include "lockstep/data/episode_images.h"
#include "lockstep/data/episode_plan.h"
#include "lockstep/data/survey.h"
#include "lockstep/data/volume_store.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/tasks/camouflage/folders.h"

namespace lockstep::cli {
namespace {

using std::filesystem::path;
using Rows = std::vector<std::vector<std::string>>;

constexpr const char* kDataCheckDescription =
    "Looks through a dataset before anything is trained on it: finds out how it is laid out, decodes every file, and "
    "prints how many images there are, how large, what is marked on them, what is odd and how that is handled, and "
    "what "
    "training would refuse; then it ends with exit code 3. The dataset may stand behind the command without its flag.";

/// Supports a class for which it is said which episodes there can be.
constexpr std::size_t kShots[] = {1, 3, 5, 10};

struct DataCheckArguments {
  path dataset_path;
  std::optional<std::int64_t> num_workers;

  OptionTable table() {
    constexpr double kMostThreads = 1024;
    OptionTable table;
    table.add("--dataset-path", dataset_path, "The dataset, in any layout that a task takes.",
              {.group = "Check", .placeholder = "DIR"});
    table.add("--num-workers", num_workers, "Threads that read; by default one a core.",
              {.group = "Check", .minimum = inclusive(1), .maximum = inclusive(kMostThreads)});
    return table;
  }
};

/// What a check of one kind of dataset has found beside its tables.
struct CheckResult {
  data::Traps traps;
  std::vector<std::string> refused;

  void add(const data::Survey& survey) {
    traps.add(survey.traps);
    refused.insert(refused.end(), survey.refused.begin(), survey.refused.end());
  }
};

std::string fixed(double number, int digits) {
  std::ostringstream words;
  words << std::fixed << std::setprecision(digits) << number;
  return words.str();
}

/// "12.5 % (0.3 … 60.1)": the mean, the least and the most.
std::string percentages(const std::vector<double>& shares) {
  if (shares.empty()) {
    return "-";
  }
  double sum = 0;
  for (const double share : shares) {
    sum += share;
  }
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  constexpr double kPercent = 100;
  return text(fixed(kPercent * sum / static_cast<double>(shares.size()), 1), " % (", fixed(kPercent * *least, 1), " … ",
              fixed(kPercent * *most, 1), ")");
}

CheckResult check_masks(const path& root, int threads) {
  const auto folders = tasks::camouflage::find_folders(root, /*with_negatives=*/false);
  const auto all = tasks::camouflage::find_folders(root, /*with_negatives=*/true);
  const std::size_t negatives = all.train.size() + all.test.size() - folders.train.size() - folders.test.size();
  std::cout << root.string() << ": " << folders.layout << "\n\n";
  CheckResult result;
  Rows rows = {{"split", "images", "sizes", "marked as object"}};
  for (const auto& [split, pairs] : {std::pair("train", &folders.train), std::pair("test", &folders.test)}) {
    const data::Survey survey = data::survey_masks(*pairs, threads);
    rows.push_back({split, text(pairs->size()), data::describe_sizes(survey.sizes), percentages(survey.object_shares)});
    result.add(survey);
  }
  std::cout << in_columns(rows);
  if (negatives > 0) {
    std::cout << "\n" << negatives << " images without a camouflaged object (NonCAM) come in with --with-negatives\n";
  }
  for (const path& mask : folders.masks_without_image) {
    result.traps.note(data::Trap::kMaskWithoutImage, mask.string());
  }
  return result;
}

/// How many boxes of each class a split has.
std::vector<std::size_t> boxes_of_classes(const data::BoxSplit& split, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const data::BoxedImage& image : split.images) {
    for (const data::ObjectBox& box : image.boxes) {
      ++counts[box.class_index];
    }
  }
  return counts;
}

/// Of each class its boxes in every split, and the images that can show it in an episode.
Rows class_rows(const data::BoxSet& set) {
  Rows rows = {{"class"}};
  for (const std::string& name : set.classes) {
    rows.push_back({name});
  }
  for (const data::BoxSplit& split : set.splits) {
    rows.front().push_back(split.name);
    rows.front().emplace_back("images");
    const std::vector<std::size_t> boxes = boxes_of_classes(split, set.classes.size());
    const std::vector<std::size_t> images = data::images_of_classes(split.images, set.classes.size());
    for (std::size_t i = 0; i < set.classes.size(); ++i) {
      rows[i + 1].push_back(text(boxes[i]));
      rows[i + 1].push_back(text(images[i]));
    }
  }
  return rows;
}

/// "12-way" for each number of supports, and the class that allows no more.
std::vector<std::string> episode_row(const char* use, const std::vector<data::BoxedImage>& images,
                                     const data::BoxSet& set, const std::vector<std::size_t>& classes) {
  const std::vector<std::size_t> all = data::images_of_classes(images, set.classes.size());
  std::vector<std::size_t> counts;
  std::size_t scarcest = classes.front();
  for (const std::size_t number : classes) {
    counts.push_back(all[number]);
    scarcest = all[number] < all[scarcest] ? number : scarcest;
  }
  std::vector<std::string> row = {use};
  for (const std::size_t shots : kShots) {
    const std::size_t ways = data::most_ways(counts, shots);
    row.push_back(ways > 0 ? text(ways, "-way") : "-");
  }
  row.push_back(text(set.classes[scarcest], ", ", all[scarcest], " images"));
  return row;
}

/// Which episodes can be drawn, each with a query a class, whichever classes are taken as novel.
void print_episodes(const data::BoxSet& set) {
  const std::vector<std::size_t> classes = data::classes_with_examples(set);
  if (classes.size() < 2) {
    return;
  }
  const data::EpisodeImages images = data::share_images(set, {}, {});
  Rows rows = {{"episodes up to"}};
  for (const std::size_t shots : kShots) {
    rows.front().push_back(text(shots, "-shot"));
  }
  rows.front().emplace_back("scarcest class");
  rows.push_back(episode_row("training", images.training, set, classes));
  rows.push_back(episode_row("evaluation", images.evaluation, set, classes));
  std::cout << "\nfew-shot detection " << images.words << "\n\n" << in_columns(rows);
}

/// Sides in pixels, the median box by its area.
std::string box_sizes(const data::BoxSplit& split) {
  std::vector<std::pair<double, std::string>> boxes;
  for (const data::BoxedImage& image : split.images) {
    for (const data::ObjectBox& box : image.boxes) {
      const double width = box.x1 - box.x0;
      const double height = box.y1 - box.y0;
      boxes.emplace_back(width * height, text(fixed(width, 0), "x", fixed(height, 0)));
    }
  }
  if (boxes.empty()) {
    return "-";
  }
  std::sort(boxes.begin(), boxes.end());
  return text(boxes.front().second, " … ", boxes.back().second, ", median ", boxes[boxes.size() / 2].second);
}

CheckResult check_boxes(const path& root, int threads) {
  const data::BoxSet set = data::read_box_set(root);
  std::cout << root.string() << ": " << set.layout << ", " << set.classes.size() << " classes\n\n";
  CheckResult result;
  result.traps.add(set.traps);
  Rows rows = {{"split", "images", "sizes", "boxes", "their sizes"}};
  for (const data::BoxSplit& split : set.splits) {
    const data::Survey survey = data::survey_boxes(split.images, threads);
    std::size_t boxes = 0;
    for (const data::BoxedImage& image : split.images) {
      boxes += image.boxes.size();
    }
    rows.push_back(
        {split.name, text(split.images.size()), data::describe_sizes(survey.sizes), text(boxes), box_sizes(split)});
    result.add(survey);
  }
  std::cout << in_columns(rows) << "\n" << in_columns(class_rows(set));
  print_episodes(set);
  return result;
}

/// What the voxels of some volumes are; one that training would refuse is in no count.
struct VolumeCounts {
  std::size_t volumes = 0;
  std::vector<media::VolumeShape> shapes;
  std::vector<double> surface_shares;  ///< of the voxels that are not to be ignored
  std::vector<double> ignored_shares;

  void add(const data::StoredVolume& volume) {
    shapes.push_back(volume.image.shape());
    if (volume.index) {
      const auto known = static_cast<double>(volume.index->known_voxels());
      surface_shares.push_back(known > 0 ? static_cast<double>(volume.index->surface_voxels()) / known : 0);
      ignored_shares.push_back(1 - known / static_cast<double>(volume.image.shape().voxels()));
    }
  }

  /// "20x512x512", or the smallest and the largest.
  std::string sizes() const {
    if (shapes.empty()) {
      return "-";
    }
    const auto [least, most] = std::ranges::minmax_element(shapes, {}, &media::VolumeShape::voxels);
    const auto words = [](const media::VolumeShape& shape) {
      return text(shape.depth, "x", shape.height, "x", shape.width);
    };
    return *least == *most ? words(*least) : text(words(*least), " … ", words(*most));
  }
};

/// Reads the volumes one by one, so that each says what is wrong with it.
VolumeCounts count_volumes(const std::vector<data::VolumePair>& pairs, int threads, CheckResult& result) {
  VolumeCounts counts;
  counts.volumes = pairs.size();
  for (const data::VolumePair& pair : pairs) {
    try {
      const data::VolumeStore store(std::span(&pair, 1), {.threads = threads});
      counts.add(store[0]);
    } catch (const DataError& error) {
      result.refused.emplace_back(error.what());
    }
  }
  return counts;
}

CheckResult check_volumes(const path& root, int threads) {
  const data::VolumeFolders folders = data::find_volumes(root);
  std::cout << root.string() << ": volumes, train and test\n\n";
  CheckResult result;
  Rows rows = {{"split", "volumes", "sizes", "surface", "to be ignored"}};
  for (const auto& [split, pairs] : {std::pair("train", &folders.train), std::pair("test", &folders.test)}) {
    const VolumeCounts counts = count_volumes(*pairs, threads, result);
    rows.push_back({split, text(counts.volumes), counts.sizes(), percentages(counts.surface_shares),
                    percentages(counts.ignored_shares)});
  }
  std::cout << in_columns(rows);
  for (const path& label : folders.labels_without_image) {
    result.traps.note(data::Trap::kLabelWithoutVolume, label.string());
  }
  return result;
}

/// A kind of dataset. A further one is a line in kinds().
struct DatasetKind {
  const char* layouts;  ///< behind "give a folder with"
  bool (*is_in)(const path& root);
  CheckResult (*check)(const path& root, int threads);  ///< prints its tables
};

const std::vector<DatasetKind>& kinds() {
  static const std::vector<DatasetKind> all = {
      {tasks::camouflage::kLayouts, tasks::camouflage::holds_masks, check_masks},
      {data::kBoxLayouts, data::holds_boxes, check_boxes},
      {data::kVolumeLayouts, data::holds_volumes, check_volumes},
  };
  return all;
}

std::vector<DatasetKind> kinds_in(const path& root) {
  std::string layouts;
  for (const DatasetKind& kind : kinds()) {
    layouts += text(layouts.empty() ? "" : "; or ", kind.layouts);
  }
  if (!std::filesystem::is_directory(root)) {
    throw DataError(text("no folder ", root.string()), text("give a folder with ", layouts));
  }
  std::vector<DatasetKind> found;
  std::copy_if(kinds().begin(), kinds().end(), std::back_inserter(found),
               [&](const DatasetKind& kind) { return kind.is_in(root); });
  if (found.empty()) {
    throw DataError(text(root.string(), " has no layout that is known"), text("give a folder with ", layouts));
  }
  return found;
}

void print_list(const char* heading, const std::vector<std::string>& lines) {
  if (!lines.empty()) {
    std::cout << "\n" << heading << "\n";
  }
  for (const std::string& line : lines) {
    std::cout << "  " << line << "\n";
  }
}

}  // namespace

std::string data_check_flags() { return to_markdown(DataCheckArguments().table()); }

ExitCode data_check(const std::string& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  if (!words.empty() && !words.front().starts_with("-")) {
    words.insert(words.begin(), "--dataset-path");
  }
  DataCheckArguments given;
  if (parse_or_answer(given.table(), words, command, kDataCheckDescription)) {
    return ExitCode::kFinished;
  }
  if (given.dataset_path.empty()) {
    throw UsageError("--dataset-path is missing", "give the folder of a dataset");
  }
  const int threads = static_cast<int>(given.num_workers.value_or(parallel::available_cores()));
  std::size_t refused = 0;
  for (const DatasetKind& kind : kinds_in(given.dataset_path)) {
    const CheckResult result = kind.check(given.dataset_path, threads);
    print_list("odd, and handled:", result.traps.lines());
    print_list("training would refuse:", result.refused);
    refused += result.refused.size();
  }
  if (refused > 0) {
    throw DataError(text(given.dataset_path.string(), " has ", refused, " sample(s) that training would refuse"),
                    "mend or remove what is listed; of photographs, --max-bad-samples can leave some out");
  }
  return ExitCode::kFinished;
}

}  // namespace lockstep::cli
