#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/data/box_set.h"

namespace lockstep::data {

/// The shape of an episode: so many classes, each with so many examples, and so many images in which they are to be
/// found.
struct EpisodeOptions {
  std::size_t n_way = 5;
  std::size_t k_shot = 3;
  std::size_t queries_per_class = 1;

  std::size_t supports() const { return n_way * k_shot; }
  std::size_t queries() const { return n_way * queries_per_class; }

  /// Throws UsageError for a number outside of 1 … kMostOfEpisode, or more than that many supports or queries.
  void validate() const;
};

inline constexpr std::size_t kMostOfEpisode = 4096;

/// Images that a class must be in so that every episode with it can be drawn: its supports, and all queries of the
/// episode, which might all show it.
std::size_t images_needed(const EpisodeOptions& options);

/// The most classes that episodes of so many supports a class, and one query, can have, if any of the classes may be
/// drawn: each is on so many images. 0 where there can be no such episode.
std::size_t most_ways(const std::vector<std::size_t>& images, std::size_t k_shot);

/// A box that is an example of its class.
struct SupportChoice {
  std::size_t image = 0;  ///< in the list of images
  std::size_t box = 0;    ///< of that image

  bool operator==(const SupportChoice&) const = default;
};

/// What an episode consists of.
struct EpisodePlan {
  std::vector<std::size_t> classes;     ///< n_way, different, by their numbers in the set
  std::vector<SupportChoice> supports;  ///< n_way * k_shot, those of a class together, each of another image
  std::vector<std::size_t> queries;     ///< n_way * queries_per_class images, all different: number q shows class
                                        ///< q / queries_per_class, and none holds a support

  bool operator==(const EpisodePlan&) const = default;
};

/// Draws episodes from a list of images.
class EpisodePlanner {
 public:
  /// Of these classes; `names` has those of the whole set. `source` says which images these are: "train". Throws
  /// UsageError where there are fewer than n_way classes, and DataError, naming the class, what it has and what is
  /// needed, where one of them is in too few images.
  EpisodePlanner(const std::vector<BoxedImage>& images, const std::vector<std::string>& names,
                 std::vector<std::size_t> classes, const EpisodeOptions& options, const std::string& source);

  /// A function of the stream alone. Boxes around crowds and difficult ones are no examples.
  EpisodePlan draw(RandomStream& random) const;

  const EpisodeOptions& options() const { return options_; }

 private:
  /// An image with boxes that can be examples of one class.
  struct Showing {
    std::size_t image;
    std::vector<std::size_t> boxes;
  };

  void check(const std::vector<std::string>& names, const std::string& source) const;

  std::vector<std::size_t> classes_;
  EpisodeOptions options_;
  std::vector<std::vector<Showing>> showing_;  ///< a list for each class of the set
};

}  // namespace lockstep::data
