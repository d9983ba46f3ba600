#include "lockstep/data/episode_plan.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/class_split.h"

namespace lockstep::data {
namespace {

/// Numbers 0 … size - 1, of which as many as wanted can be drawn one after the other, each once.
class Lots {
 public:
  explicit Lots(std::size_t size) : numbers_(size) { std::iota(numbers_.begin(), numbers_.end(), std::size_t{0}); }

  std::size_t draw(RandomStream& random) {
    LOCKSTEP_ASSERT(drawn_ < numbers_.size(), "an episode that the images are too few for");
    std::swap(numbers_[drawn_], numbers_[drawn_ + random.below(numbers_.size() - drawn_)]);
    return numbers_[drawn_++];
  }

 private:
  std::vector<std::size_t> numbers_;
  std::size_t drawn_ = 0;
};

}  // namespace

void EpisodeOptions::validate() const {
  const std::pair<const char*, std::size_t> numbers[] = {
      {"--n-way", n_way}, {"--k-shot", k_shot}, {"--queries-per-class", queries_per_class}};
  for (const auto& [flag, number] : numbers) {
    if (number < 1 || number > kMostOfEpisode) {
      throw UsageError(text(flag, " is ", number), text("give a number from 1 to ", kMostOfEpisode));
    }
  }
  if (supports() > kMostOfEpisode || queries() > kMostOfEpisode) {
    throw UsageError(text("an episode of ", supports(), " supports and ", queries(), " queries"),
                     text("lower --n-way, --k-shot or --queries-per-class to ", kMostOfEpisode, " of either"));
  }
}

std::size_t images_needed(const EpisodeOptions& options) { return options.k_shot + options.queries(); }

std::size_t most_ways(const std::vector<std::size_t>& images, std::size_t k_shot) {
  const auto fewest = std::min_element(images.begin(), images.end());
  return fewest == images.end() || *fewest <= k_shot ? 0 : std::min(*fewest - k_shot, images.size());
}

EpisodePlanner::EpisodePlanner(const std::vector<BoxedImage>& images, const std::vector<std::string>& names,
                               std::vector<std::size_t> classes, const EpisodeOptions& options,
                               const std::string& source)
    : classes_(std::move(classes)), options_(options), showing_(names.size()) {
  options_.validate();
  for (std::size_t image = 0; image < images.size(); ++image) {
    const std::vector<ObjectBox>& boxes = images[image].boxes;
    for (std::size_t box = 0; box < boxes.size(); ++box) {
      if (!is_example(boxes[box])) {
        continue;
      }
      std::vector<Showing>& showing = showing_.at(boxes[box].class_index);
      if (showing.empty() || showing.back().image != image) {
        showing.push_back({image, {}});
      }
      showing.back().boxes.push_back(box);
    }
  }
  check(names, source);
}

void EpisodePlanner::check(const std::vector<std::string>& names, const std::string& source) const {
  if (classes_.size() < options_.n_way) {
    throw UsageError(text("--n-way is ", options_.n_way, ", but there are only ", classes_.size(),
                          " class(es) to draw from in ", source),
                     text("give --n-way ", classes_.size(), " or less"));
  }
  const std::size_t needed = images_needed(options_);
  for (const std::size_t number : classes_) {
    const std::size_t found = showing_.at(number).size();
    if (found < needed) {
      throw DataError(text("class '", names[number], "' is on ", found, " image(s) of ", source, ", and episodes need ",
                           needed, " (--k-shot ", options_.k_shot, " for supports, --n-way ", options_.n_way,
                           " times --queries-per-class ", options_.queries_per_class, " for queries)"),
                      "lower one of these, or add images of the class");
    }
  }
}

EpisodePlan EpisodePlanner::draw(RandomStream& random) const {
  EpisodePlan plan;
  Lots classes(classes_.size());
  for (std::size_t way = 0; way < options_.n_way; ++way) {
    plan.classes.push_back(classes_[classes.draw(random)]);
  }
  std::set<std::size_t> queries;
  for (const std::size_t number : plan.classes) {
    Lots images(showing_[number].size());
    for (std::size_t found = 0; found < options_.queries_per_class;) {
      const std::size_t image = showing_[number][images.draw(random)].image;
      if (queries.insert(image).second) {
        plan.queries.push_back(image);
        ++found;
      }
    }
  }
  for (const std::size_t number : plan.classes) {
    Lots images(showing_[number].size());
    for (std::size_t found = 0; found < options_.k_shot;) {
      const Showing& showing = showing_[number][images.draw(random)];
      if (!queries.contains(showing.image)) {
        plan.supports.push_back({showing.image, showing.boxes[random.below(showing.boxes.size())]});
        ++found;
      }
    }
  }
  return plan;
}

}  // namespace lockstep::data
