#include "lockstep/data/episode_dataset.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/box_frame.h"
#include "lockstep/data/class_split.h"
#include "lockstep/data/episode_views.h"
#include "lockstep/data/source_image.h"

namespace lockstep::data {
namespace {

constexpr std::uint32_t kEpisodes = 3;  // tells this selection from others of the same seed

/// Of an object that a crop cuts off this share must be seen, or it is ignored.
constexpr double kSeenShare = 0.5;

SourceImage& source_of_this_thread() {
  thread_local SourceImage source;
  return source;
}

/// Opens the image's file, and gives the image with its boxes where they lie on the upright picture.
BoxedImage open_image(const BoxedImage& image, SourceImage& source) {
  source.open(image.file);
  return placed_on(source.header(), image);
}

template <typename T>
void put(const SampleSlot& slot, EpisodeField field, std::size_t number, const T& value) {
  std::memcpy(slot.fields[field].subspan(number * sizeof(T)).data(), &value, sizeof(T));
}

/// The pixels of one picture of a field of so many.
std::span<std::uint8_t> picture_of(const SampleSlot& slot, EpisodeField field, std::size_t number, std::size_t count) {
  const std::span<std::uint8_t> all = slot.field<std::uint8_t>(field);
  return all.subspan(number * (all.size() / count), all.size() / count);
}

media::Box mirrored(const media::Box& box, double side) {
  return {side - box.x - box.width, box.y, box.width, box.height};
}

std::array<float, 4> corners_of(const media::Box& box) {
  return {static_cast<float>(box.x), static_cast<float>(box.y), static_cast<float>(box.x + box.width),
          static_cast<float>(box.y + box.height)};
}

constexpr std::size_t kNumbersOfObject = 6;

void append_object(std::size_t query, const media::Box& box, int way, std::vector<float>& objects) {
  const std::array<float, 4> corners = corners_of(box);
  objects.push_back(static_cast<float>(query));
  objects.insert(objects.end(), corners.begin(), corners.end());
  objects.push_back(static_cast<float>(way));
}

RaggedArray array_of(const std::vector<float>& objects) {
  const auto bytes = std::as_bytes(std::span(objects));
  return {DType::kFloat32,
          {static_cast<std::int64_t>(objects.size() / kNumbersOfObject), kNumbersOfObject},
          {bytes.begin(), bytes.end()}};
}

/// The part of a box that a crop shows; without area where there is none.
media::Box seen_part(const ObjectBox& box, const media::Rect& crop) {
  const double left = std::max(box.x0, static_cast<double>(crop.x));
  const double top = std::max(box.y0, static_cast<double>(crop.y));
  const double right = std::min(box.x1, static_cast<double>(crop.x + crop.width));
  const double bottom = std::min(box.y1, static_cast<double>(crop.y + crop.height));
  return {left, top, std::max(0.0, right - left), std::max(0.0, bottom - top)};
}

double seen_share(const ObjectBox& box, const media::Rect& crop) {
  const media::Box part = seen_part(box, crop);
  return part.width * part.height / ((box.x1 - box.x0) * (box.y1 - box.y0));
}

bool shows(const BoxedImage& image, const media::Rect& crop, std::size_t class_index) {
  return std::ranges::any_of(image.boxes, [&](const ObjectBox& box) {
    return box.class_index == class_index && is_example(box) && seen_share(box, crop) >= kSeenShare;
  });
}

/// A flip and colours, and a crop of the picture's own shape.
AugmentationPlan plan_for(AugmentationOptions options, media::ImageSize size, RandomStream& random) {
  options.min_ratio = options.max_ratio = static_cast<double>(size.width) / size.height;
  return plan_augmentation(options, size, random);
}

SupportView draw_view(RandomStream& random) {
  SupportView view;
  view.context = random.uniform(1.6, 2.4);
  view.shift_x = random.uniform(-0.1, 0.1);
  view.shift_y = random.uniform(-0.1, 0.1);
  return view;
}

}  // namespace

media::Box to_seen(const QueryPlace& place, int side, const media::Box& original) {
  const media::Box seen{original.x * place.scale_x + place.offset_x, original.y * place.scale_y + place.offset_y,
                        original.width * place.scale_x, original.height * place.scale_y};
  return place.flipped != 0 ? mirrored(seen, side) : seen;
}

media::Box to_original(const QueryPlace& place, int side, const media::Box& seen) {
  const media::Box upright = place.flipped != 0 ? mirrored(seen, side) : seen;
  return {(upright.x - place.offset_x) / place.scale_x, (upright.y - place.offset_y) / place.scale_y,
          upright.width / place.scale_x, upright.height / place.scale_y};
}

void EpisodeDatasetOptions::validate() const {
  episode.validate();
  augmentation.validate();
  if (episodes < 1) {
    throw UsageError("an epoch of no episodes", "give a number of episodes, such as 1000");
  }
  if (image_size < 1 || support_size < 1) {
    throw UsageError(text("queries of ", image_size, " and supports of ", support_size, " pixels"),
                     "give numbers of pixels, such as --img-size 384 and 128 for supports");
  }
}

EpisodeDataset::EpisodeDataset(std::vector<BoxedImage> images, std::vector<std::string> names,
                               std::vector<std::size_t> classes, const EpisodeDatasetOptions& options,
                               const std::string& source)
    : images_(std::move(images)),
      names_(std::move(names)),
      options_(options),
      planner_(images_, names_, std::move(classes), options.episode, source) {
  options_.validate();
  LOCKSTEP_ASSERT(options_.ignored_classes.empty() || options_.ignored_classes.size() == names_.size(),
                  "each class of the set is ignored or not");
  const auto ways = static_cast<std::int64_t>(options_.episode.n_way);
  const auto supports = static_cast<std::int64_t>(options_.episode.supports());
  const auto queries = static_cast<std::int64_t>(options_.episode.queries());
  const std::int64_t finish = sizeof(SampleFinish);
  layout_ = {{"support", DType::kUInt8, {supports, options_.support_size, options_.support_size, 3}},
             {"support_box", DType::kFloat32, {supports, 4}},
             {"support_finish", DType::kUInt8, {supports, finish}},
             {"query", DType::kUInt8, {queries, options_.image_size, options_.image_size, 3}},
             {"query_finish", DType::kUInt8, {queries, finish}},
             {"query_place", DType::kFloat32, {queries, sizeof(QueryPlace) / sizeof(float)}},
             {"query_image", DType::kInt64, {queries}},
             {"class", DType::kInt64, {ways}}};
}

std::string EpisodeDataset::name(std::size_t index) const { return text("episode ", index); }

EpisodePlan EpisodeDataset::plan_of(const Draw& draw) const {
  RandomKey key{.seed = draw.seed,
                .purpose = Purpose::kSelection,
                .time = draw.epoch,
                .sample = draw.position,
                .layer = kEpisodes};
  if (options_.fixed_seed) {
    key.seed = *options_.fixed_seed;
    key.time = 0;
    key.sample = draw.index;
  }
  RandomStream random(key);
  return planner_.draw(random);
}

void EpisodeDataset::load(const Draw& draw, const SampleSlot& slot) const {
  const EpisodePlan plan = plan_of(draw);
  RandomStream random = draw.augmentation();
  load_supports(plan, random, slot);
  load_queries(plan, random, slot);
  for (std::size_t way = 0; way < plan.classes.size(); ++way) {
    put(slot, kClassField, way, static_cast<std::int64_t>(plan.classes[way]));
  }
}

void EpisodeDataset::load_supports(const EpisodePlan& plan, RandomStream& random, const SampleSlot& slot) const {
  SourceImage& source = source_of_this_thread();
  for (std::size_t i = 0; i < plan.supports.size(); ++i) {
    const BoxedImage image = open_image(images_[plan.supports[i].image], source);
    SupportView view;
    SampleFinish finish;
    if (options_.augment) {
      view = draw_view(random);
      const AugmentationPlan change = plan_for(options_.augmentation, image.size, random);
      finish = {change.colours, change.flip};
    }
    const std::span<std::uint8_t> pixels = picture_of(slot, kSupportField, i, plan.supports.size());
    const media::Box box = load_support(source, image.boxes[plan.supports[i].box], view, options_.support_size, pixels);
    put(slot, kSupportBoxField, i, corners_of(finish.flip ? mirrored(box, options_.support_size) : box));
    put(slot, kSupportFinishField, i, finish);
  }
}

void EpisodeDataset::load_queries(const EpisodePlan& plan, RandomStream& random, const SampleSlot& slot) const {
  SourceImage& source = source_of_this_thread();
  std::vector<float> objects;
  for (std::size_t query = 0; query < plan.queries.size(); ++query) {
    const BoxedImage image = open_image(images_[plan.queries[query]], source);
    const media::Rect whole{0, 0, image.size.width, image.size.height};
    media::Rect crop = whole;
    SampleFinish finish;
    if (options_.augment) {
      const AugmentationPlan change = plan_for(options_.augmentation, image.size, random);
      finish = {change.colours, change.flip};
      const std::size_t sought = plan.classes[query / options_.episode.queries_per_class];
      crop = shows(image, change.crop, sought) ? change.crop : whole;
    }
    QueryPlace place =
        load_query(source, crop, options_.image_size, picture_of(slot, kQueryField, query, plan.queries.size()));
    place.flipped = finish.flip ? 1.0F : 0.0F;
    put(slot, kQueryPlaceField, query, place);
    put(slot, kQueryFinishField, query, finish);
    put(slot, kQueryImageField, query, static_cast<std::int64_t>(plan.queries[query]));
    for (const ObjectBox& box : image.boxes) {
      const double share = seen_share(box, crop);
      const int way = share < kSeenShare && !box.is_crowd ? kIgnoredObject : way_of(box, plan);
      if (share > 0) {
        append_object(query, to_seen(place, options_.image_size, seen_part(box, crop)), way, objects);
      }
    }
  }
  slot.ragged->push_back(array_of(objects));
}

int EpisodeDataset::way_of(const ObjectBox& box, const EpisodePlan& plan) const {
  if (box.is_crowd) {
    return kCrowd;
  }
  const bool is_ignored = !options_.ignored_classes.empty() && options_.ignored_classes[box.class_index];
  if (is_ignored || box.is_difficult) {
    return kIgnoredObject;
  }
  const auto place = std::find(plan.classes.begin(), plan.classes.end(), box.class_index);
  return place != plan.classes.end() ? static_cast<int>(place - plan.classes.begin()) : int{kOtherClass};
}

}  // namespace lockstep::data
