#include "lockstep/data/episode_images.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string_view>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/class_split.h"

namespace lockstep::data {
namespace {

/// A number in [0, 1) that belongs to a name: FNV-1a, its bits mixed once more so that the upper ones are as good as
/// the lower ones.
double place_of_name(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char character : name) {
    hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001B3;
  }
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
  hash ^= hash >> 33;
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

bool is_held_out(const BoxedImage& image, double share) {
  const std::string name = image.file.filename().string();
  return place_of_name(std::string_view(name).substr(0, name.find(".rf."))) < share;
}

/// Moves a share of the images of training to those of evaluation.
void hold_out(EpisodeImages& images, double share) {
  const auto rest = std::stable_partition(images.training.begin(), images.training.end(),
                                          [&](const BoxedImage& image) { return !is_held_out(image, share); });
  std::move(rest, images.training.end(), std::back_inserter(images.evaluation));
  images.training.erase(rest, images.training.end());
}

/// The class that has too few images in evaluation, or none.
const std::size_t* scarce_class(const EpisodeImages& images, std::size_t classes,
                                const std::vector<std::size_t>& evaluated, std::size_t needed) {
  const std::vector<std::size_t> counts = images_of_classes(images.evaluation, classes);
  const auto scarce =
      std::find_if(evaluated.begin(), evaluated.end(), [&](std::size_t number) { return counts[number] < needed; });
  return scarce != evaluated.end() ? &*scarce : nullptr;
}

/// The images of these splits, each file once, and none that is in `known`.
std::vector<BoxedImage> images_of(const std::vector<const BoxSplit*>& splits, std::set<std::filesystem::path>& known) {
  std::vector<BoxedImage> images;
  for (const BoxSplit* split : splits) {
    for (const BoxedImage& image : split->images) {
      if (known.insert(image.file).second) {
        images.push_back(image);
      }
    }
  }
  return images;
}

std::string names_of(const std::vector<const BoxSplit*>& splits) {
  std::string names;
  for (const BoxSplit* split : splits) {
    names += (names.empty() ? "" : " and ") + split->name;
  }
  return names;
}

std::string describe(const EpisodeImages& images, const std::string& training, const std::string& evaluation) {
  return text("trains on ", training, " (", images.training.size(), " images), evaluates on ", evaluation, " (",
              images.evaluation.size(), ")");
}

}  // namespace

void EpisodeImagesOptions::validate() const {
  if (!(held_out_share > 0 && held_out_share < 1)) {
    throw UsageError(text("the share of images that is held out is ", held_out_share),
                     "give a share between 0 and 1, such as 0.2");
  }
}

EpisodeImages share_images(const BoxSet& set, const std::vector<std::size_t>& evaluated,
                           const EpisodeImagesOptions& options) {
  options.validate();
  std::vector<const BoxSplit*> training;
  std::vector<const BoxSplit*> others;
  for (const BoxSplit& split : set.splits) {
    (split.name == "train" ? training : others).push_back(&split);
  }
  std::set<std::filesystem::path> known;
  EpisodeImages images;
  if (training.empty() || others.empty()) {
    const std::vector<const BoxSplit*>& all = training.empty() ? others : training;
    images.training = images_of(all, known);
    hold_out(images, options.held_out_share);
    images.words = describe(images, names_of(all), "images of it that are held out");
    return images;
  }
  images.training = images_of(training, known);
  images.evaluation = images_of(others, known);
  const std::size_t* scarce = scarce_class(images, set.classes.size(), evaluated, options.images_per_class);
  if (scarce == nullptr) {
    images.words = describe(images, names_of(training), names_of(others));
    return images;
  }
  const std::string reason = text("too few images of '", set.classes[*scarce], "'");
  hold_out(images, options.held_out_share);
  images.words = describe(images, names_of(training),
                          text(names_of(others), ", which have ", reason, ", and images of train that are held out"));
  return images;
}

std::vector<std::size_t> images_of_classes(const std::vector<BoxedImage>& images, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const BoxedImage& image : images) {
    std::set<std::size_t> shown;
    for (const ObjectBox& box : image.boxes) {
      if (is_example(box) && shown.insert(box.class_index).second) {
        ++counts[box.class_index];
      }
    }
  }
  return counts;
}

}  // namespace lockstep::data
