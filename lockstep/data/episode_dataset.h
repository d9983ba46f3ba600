#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/data/augmentation.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/episode_plan.h"
#include "lockstep/data/finish_batch.h"

namespace lockstep::data {

/// The fields of an episode of N classes with K supports each and Q queries:
///
/// support         (N*K, T, T, 3) uint8: a square of the picture around each support's box, with what is around it;
///                 outside of the picture kOutsideGrey
/// support_box     (N*K, 4) float32: x0 y0 x1 y1 in that square
/// support_finish  (N*K, sizeof(SampleFinish)) uint8
/// query           (Q, S, S, 3) uint8: the picture scaled to fit, upper left; the rest kOutsideGrey
/// query_finish    (Q, sizeof(SampleFinish)) uint8
/// query_place     (Q, 5) float32: a QueryPlace each
/// query_image     (Q) int64: the image's number in the list
/// class           (N) int64: the classes' numbers in the set
///
/// And ragged[0], the objects on the queries: (objects, 6) float32, {query, x0, y0, x1, y1, way}, way 0 … N-1, or one
/// of ObjectWay. All boxes lie where the network sees the pictures: after the flip of the finish.
enum EpisodeField : std::size_t {
  kSupportField,
  kSupportBoxField,
  kSupportFinishField,
  kQueryField,
  kQueryFinishField,
  kQueryPlaceField,
  kQueryImageField,
  kClassField,
};

enum ObjectWay : int {
  kOtherClass = -1,     ///< an object of no class of the episode
  kIgnoredObject = -2,  ///< neither right nor wrong to find: difficult, cut off, or of a class to be ignored
  kCrowd = -3           ///< likewise, and around many objects
};

inline constexpr std::uint8_t kOutsideGrey = 114;

/// Where a picture lies in the square in which a query is seen: seen = scale * original + offset, along each axis,
/// then mirrored where it is flipped.
struct QueryPlace {
  float scale_x = 1;
  float scale_y = 1;
  float offset_x = 0;
  float offset_y = 0;
  float flipped = 0;  ///< 1: then left and right change places, in a square of S pixels
};

/// A box as it is seen in a square of `side` pixels, from one of the picture, and the way back. Neither is cut off at
/// an edge.
media::Box to_seen(const QueryPlace& place, int side, const media::Box& original);
media::Box to_original(const QueryPlace& place, int side, const media::Box& seen);

struct EpisodeDatasetOptions {
  EpisodeOptions episode{};
  std::size_t episodes = 1000;  ///< an epoch
  int support_size = 128;       ///< T
  int image_size = 384;         ///< S
  bool augment = false;         ///< else supports and queries are as their files show them
  AugmentationOptions augmentation{.brightness = 0.2, .contrast = 0.2, .saturation = 0.2};  ///< crops keep the shape of
                                                                                            ///< their picture
  std::optional<std::uint64_t> fixed_seed{};  ///< episode i is the same in every epoch: a function of this and of i
  std::vector<bool> ignored_classes{};        ///< one a class of the set: boxes are kIgnoredObject; empty: none

  void validate() const;
};

/// Episodes, each a sample. Which classes, supports and queries one has depends on the draw's seed, epoch and position,
/// or on the fixed seed and the draw's index; how they are augmented, on the former.
///
/// Of a support no more is decoded than its square; large squares and large queries are decoded at a part of their size
/// as photographs with masks are (data/image_mask_dataset.h).
class EpisodeDataset : public Dataset {
 public:
  /// Episodes of these classes on these images; `names` has the classes of the whole set, `source` says in messages
  /// which images these are. Throws as EpisodePlanner.
  EpisodeDataset(std::vector<BoxedImage> images, std::vector<std::string> names, std::vector<std::size_t> classes,
                 const EpisodeDatasetOptions& options, const std::string& source);

  const std::vector<BoxedImage>& images() const { return images_; }
  const std::vector<std::string>& class_names() const { return names_; }
  const EpisodeDatasetOptions& options() const { return options_; }

  /// The plan of the sample that `load` gives for this draw.
  EpisodePlan plan_of(const Draw& draw) const;

  std::size_t size() const override { return options_.episodes; }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override;

  /// Throws DataError naming the file: missing, unreadable, or of another shape than its annotation.
  void load(const Draw& draw, const SampleSlot& slot) const override;

 private:
  void load_supports(const EpisodePlan& plan, RandomStream& random, const SampleSlot& slot) const;
  void load_queries(const EpisodePlan& plan, RandomStream& random, const SampleSlot& slot) const;
  int way_of(const ObjectBox& box, const EpisodePlan& plan) const;

  std::vector<BoxedImage> images_;
  std::vector<std::string> names_;
  EpisodeDatasetOptions options_;
  EpisodePlanner planner_;
  std::vector<Field> layout_;
};

}  // namespace lockstep::data
