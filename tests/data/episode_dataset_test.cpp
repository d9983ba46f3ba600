#include "lockstep/data/episode_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/data/loader.h"
#include "tests/data/boxed_images.h"
#include "tests/data/samples.h"

namespace lockstep::data {
namespace {

const std::vector<std::string> kNames{"red", "green", "blue", "yellow"};

EpisodeDatasetOptions small_options() {
  return {.episode = {.n_way = 2, .k_shot = 2, .queries_per_class = 2},
          .episodes = 12,
          .support_size = 96,
          .image_size = 160};
}

EpisodeDatasetOptions augmented_options() {
  EpisodeDatasetOptions options = small_options();
  options.augment = true;
  options.augmentation = {.min_scale = 0.3, .brightness = 0, .contrast = 0, .saturation = 0};
  return options;
}

/// Pixels as the network sees them, but for the normalisation, and boxes.
struct Picture {
  int side;
  std::vector<std::byte> bytes;

  /// Whether a pixel has nearly this colour.
  bool has(double x, double y, std::size_t number) const {
    const auto place = [this](double value) { return std::clamp(static_cast<int>(std::floor(value)), 0, side - 1); };
    const std::size_t at =
        3 * (static_cast<std::size_t>(place(y)) * static_cast<std::size_t>(side) + static_cast<std::size_t>(place(x)));
    for (std::size_t channel = 0; channel < 3; ++channel) {
      if (std::abs(std::to_integer<int>(bytes[at + channel]) - kClassColours[number][channel]) > 40) {
        return false;
      }
    }
    return true;
  }
};

template <typename T>
T value_of(const Batch& batch, EpisodeField field, std::size_t number) {
  T value;
  std::memcpy(&value, batch.fields[field].data() + number * sizeof(T), sizeof(T));
  return value;
}

/// A picture of a batch of one episode, after its finish.
Picture finished(const Batch& batch, EpisodeField field, EpisodeField finish, std::size_t number) {
  const auto side = static_cast<std::size_t>(batch.layout[field].shape[1]);
  const std::size_t bytes = 3 * side * side;
  const auto first = batch.fields[field].begin() + static_cast<std::ptrdiff_t>(number * bytes);
  Picture picture{static_cast<int>(side), {first, first + static_cast<std::ptrdiff_t>(bytes)}};
  finish_pixels(value_of<SampleFinish>(batch, finish, number), side, picture.bytes);
  return picture;
}

using Corners = std::array<float, 4>;

/// The box's colour fills it and ends at its edges.
void expect_box(const Picture& picture, const Corners& box, std::size_t number, double blur) {
  const double middle_x = (box[0] + box[2]) / 2;
  const double middle_y = (box[1] + box[3]) / 2;
  EXPECT_TRUE(picture.has(middle_x, middle_y, number));
  for (const int side : {-1, 1}) {
    const double edge_x = side < 0 ? box[0] : box[2];
    const double edge_y = side < 0 ? box[1] : box[3];
    EXPECT_TRUE(picture.has(edge_x - side * blur, middle_y, number)) << edge_x;
    EXPECT_TRUE(picture.has(middle_x, edge_y - side * blur, number)) << edge_y;
    const bool ends_x = edge_x + side * blur < 0 || edge_x + side * blur >= picture.side;
    const bool ends_y = edge_y + side * blur < 0 || edge_y + side * blur >= picture.side;
    EXPECT_TRUE(ends_x || !picture.has(edge_x + side * blur, middle_y, number)) << edge_x;
    EXPECT_TRUE(ends_y || !picture.has(middle_x, edge_y + side * blur, number)) << edge_y;
  }
}

struct Object {
  std::size_t query;
  Corners box;
  int way;
};

std::vector<Object> objects_of(const Batch& batch, std::size_t sample = 0) {
  const RaggedArray& array = batch.ragged.at(sample).at(0);
  EXPECT_EQ(array.dtype, DType::kFloat32);
  std::vector<float> numbers(array.bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  EXPECT_EQ(static_cast<std::int64_t>(numbers.size()), array.shape.at(0) * array.shape.at(1));
  std::vector<Object> objects;
  for (std::size_t i = 0; i < numbers.size(); i += 6) {
    objects.push_back({static_cast<std::size_t>(numbers[i]),
                       {numbers[i + 1], numbers[i + 2], numbers[i + 3], numbers[i + 4]},
                       static_cast<int>(numbers[i + 5])});
  }
  return objects;
}

class Episodes : public testing::Test {
 protected:
  EpisodeDataset dataset(const EpisodeDatasetOptions& options, std::vector<std::size_t> classes = {0, 1, 2, 3}) const {
    return {images_, kNames, std::move(classes), options, "train"};
  }

  test::TempFolder folder_;
  std::vector<BoxedImage> images_ = write_coloured_boxes(folder_, 9);
};

/// Boxes, flips, crops and shapes at once: the colours say where each object is.
TEST_F(Episodes, BoxesFallOnTheirObjects) {
  for (const bool augment : {false, true}) {
    const EpisodeDataset episodes = dataset(augment ? augmented_options() : small_options());
    std::size_t flipped = 0;
    std::size_t cropped = 0;
    for (std::uint64_t index = 0; index < 12; ++index) {
      SCOPED_TRACE(testing::Message() << "augment " << augment << ", episode " << index);
      const Batch batch = load_batch(episodes, {draw_of(0, index)});
      const EpisodePlan plan = episodes.plan_of(draw_of(0, index));
      for (std::size_t i = 0; i < 4; ++i) {
        const Picture support = finished(batch, kSupportField, kSupportFinishField, i);
        expect_box(support, value_of<Corners>(batch, kSupportBoxField, i), plan.classes[i / 2], 2.5);
        flipped += value_of<SampleFinish>(batch, kSupportFinishField, i).flip ? 1 : 0;
        flipped += value_of<SampleFinish>(batch, kQueryFinishField, i).flip ? 1 : 0;
        cropped += value_of<QueryPlace>(batch, kQueryPlaceField, i).offset_x != 0 ? 1 : 0;
        EXPECT_EQ(value_of<std::int64_t>(batch, kQueryImageField, i), static_cast<std::int64_t>(plan.queries[i]));
      }
      std::array<bool, 4> shows_its_class{};
      for (const Object& object : objects_of(batch)) {
        if (object.way < 0) {
          continue;
        }
        const std::size_t number = plan.classes.at(static_cast<std::size_t>(object.way));
        expect_box(finished(batch, kQueryField, kQueryFinishField, object.query), object.box, number, 2);
        shows_its_class[object.query] = shows_its_class[object.query] || object.query / 2 == std::size_t(object.way);
      }
      EXPECT_EQ(shows_its_class, (std::array{true, true, true, true}));
    }
    EXPECT_EQ(flipped > 20, augment);
    EXPECT_EQ(cropped > 20, augment);
  }
}

TEST_F(Episodes, PlacesLeadBackToTheAnnotation) {
  const EpisodeDataset episodes = dataset(small_options());
  const Batch batch = load_batch(episodes, {draw_of(0, 5)});
  std::size_t found = 0;
  for (const Object& object : objects_of(batch)) {
    const auto place = value_of<QueryPlace>(batch, kQueryPlaceField, object.query);
    const auto image = static_cast<std::size_t>(value_of<std::int64_t>(batch, kQueryImageField, object.query));
    const media::Box back = to_original(
        place, 160, {object.box[0], object.box[1], object.box[2] - object.box[0], object.box[3] - object.box[1]});
    for (const ObjectBox& box : images_[image].boxes) {
      found += std::abs(back.x - box.x0) < 0.01 && std::abs(back.y - box.y0) < 0.01 &&
                       std::abs(back.x + back.width - box.x1) < 0.01 && std::abs(back.y + back.height - box.y1) < 0.01
                   ? 1
                   : 0;
    }
  }
  EXPECT_EQ(found, 16U) << "four boxes on each of four queries";
}

TEST_F(Episodes, ObjectsAreMarkedByWhatTheyAre) {
  for (BoxedImage& image : images_) {
    image.boxes[3].is_crowd = true;
    ObjectBox difficult = image.boxes[0];
    difficult.is_difficult = true;
    image.boxes.push_back(difficult);
  }
  EpisodeDatasetOptions options = small_options();
  options.ignored_classes = {false, false, true, false};
  const EpisodeDataset episodes = dataset(options, {0, 1});
  const EpisodePlan plan = episodes.plan_of(draw_of(0, 1));
  const int red = plan.classes[0] == 0 ? 0 : 1;
  std::map<int, int> ways;
  for (const Object& object : objects_of(load_batch(episodes, {draw_of(0, 1)}))) {
    ++ways[object.way];
  }
  EXPECT_EQ(ways, (std::map<int, int>{{red, 4}, {1 - red, 4}, {kIgnoredObject, 8}, {kCrowd, 4}}));
}

TEST_F(Episodes, ObjectsOfOtherClassesAreThere) {
  const EpisodeDataset episodes = dataset(small_options(), {1, 3});
  int others = 0;
  for (const Object& object : objects_of(load_batch(episodes, {draw_of(0, 0)}))) {
    others += object.way == kOtherClass ? 1 : 0;
  }
  EXPECT_EQ(others, 8);
}

TEST_F(Episodes, TrainingDrawsOthersInEachEpochAndEvaluationTheSame) {
  const EpisodeDataset training = dataset(small_options());
  EpisodeDatasetOptions options = small_options();
  options.fixed_seed = 11;
  const EpisodeDataset evaluation = dataset(options);
  std::size_t equal = 0;
  for (std::uint64_t index = 0; index < 12; ++index) {
    const Draw elsewhere{.seed = 99, .epoch = 4, .position = 3, .index = index};
    EXPECT_EQ(evaluation.plan_of(draw_of(0, index)), evaluation.plan_of(elsewhere));
    equal += training.plan_of(draw_of(0, index)) == training.plan_of(draw_of(1, index)) ? 1 : 0;
    Draw same = draw_of(0, index);
    same.index = 0;
    EXPECT_EQ(training.plan_of(same), training.plan_of(draw_of(0, index)));
  }
  EXPECT_LT(equal, 3U);
  EXPECT_NE(evaluation.plan_of(draw_of(0, 0)), evaluation.plan_of(draw_of(0, 1)));
}

/// All that an episode holds, in bytes that can be compared.
std::vector<std::byte> content_of(const Batch& batch, std::size_t sample) {
  std::vector<std::byte> content;
  for (std::size_t field = 0; field < batch.fields.size(); ++field) {
    const std::size_t bytes = batch.layout[field].bytes();
    const auto first = batch.fields[field].begin() + static_cast<std::ptrdiff_t>(sample * bytes);
    if (field != kSupportFinishField && field != kQueryFinishField) {
      content.insert(content.end(), first, first + static_cast<std::ptrdiff_t>(bytes));
      continue;
    }
    for (std::size_t i = 0; i < bytes / sizeof(SampleFinish); ++i) {
      SampleFinish finish;  // bytes between its members say nothing
      std::memcpy(&finish, &*first + i * sizeof(finish), sizeof(finish));
      const auto colours = std::as_bytes(std::span(&finish.colours, 1));
      content.insert(content.end(), colours.begin(), colours.end());
      content.push_back(std::byte{finish.flip});
    }
  }
  const std::vector<std::byte>& objects = batch.ragged[sample].at(0).bytes;
  content.insert(content.end(), objects.begin(), objects.end());
  return content;
}

/// The episodes of two epochs, by epoch and position.
using Seen = std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::byte>>;

Seen load_all(const EpisodeDataset& dataset, int threads, int ranks) {
  const BatchPlan plan{
      .samples_per_epoch = dataset.size(), .global_batch = 6, .per_rank_batch = 2, .world_size = ranks};
  DecodePool pool(threads);
  Loader loader(pool, dataset, plan, {.seed = 7, .end_epoch = 2});
  std::vector<Seen> seen(static_cast<std::size_t>(ranks));
  {
    std::vector<std::jthread> all;
    for (int rank = 0; rank < ranks; ++rank) {
      all.emplace_back([&, rank] {
        for (std::uint64_t step = 0; step < 2 * plan.steps_per_epoch(); ++step) {
          for (std::uint64_t pass = 0; pass < plan.pass_count(step % plan.steps_per_epoch(), rank); ++pass) {
            Batch batch = loader.next(rank);
            for (std::size_t i = 0; i < batch.size(); ++i) {
              seen[static_cast<std::size_t>(rank)][{batch.draws[i].epoch, batch.draws[i].position}] =
                  content_of(batch, i);
            }
            loader.recycle(std::move(batch));
          }
        }
      });
    }
  }
  for (std::size_t rank = 1; rank < seen.size(); ++rank) {
    seen[0].merge(seen[rank]);
  }
  return seen[0];
}

TEST_F(Episodes, AreTheSameWithAnyRanksAndThreads) {
  EpisodeDatasetOptions options = augmented_options();
  options.augmentation.brightness = 0.3;
  const EpisodeDataset episodes = dataset(options);
  const Seen expected = load_all(episodes, 1, 1);
  ASSERT_EQ(expected.size(), 2 * episodes.size());
  EXPECT_NE(expected.at({0, 0}), expected.at({1, 0}));
  EXPECT_NE(expected.at({0, 0}), expected.at({0, 1}));
  for (const int ranks : {2, 3}) {
    EXPECT_EQ(load_all(episodes, ranks, ranks), expected) << ranks << " ranks";
  }
  EXPECT_EQ(load_all(episodes, 4, 1), expected);
}

TEST_F(Episodes, NameTheFileThatCannotBeRead) {
  write_file_atomically(images_[0].file, std::string("no picture"));
  EpisodeDatasetOptions options = small_options();
  options.episode = {.n_way = 2, .k_shot = 3, .queries_per_class = 3};  // every episode needs every image
  try {
    load_batch(dataset(options), {draw_of(0, 0)});
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("boxes0.png"));
  }
}

TEST_F(Episodes, BoxesOfAScaledAnnotationLieOnTheFile) {
  std::vector<BoxedImage> halved = images_;
  for (BoxedImage& image : halved) {
    image.size = {image.size.width / 2, image.size.height / 2};
    for (ObjectBox& box : image.boxes) {
      box = {box.x0 / 2, box.y0 / 2, box.x1 / 2, box.y1 / 2, box.class_index};
    }
  }
  const EpisodeDataset scaled(halved, kNames, {0, 1, 2, 3}, small_options(), "train");
  const Batch expected = load_batch(dataset(small_options()), {draw_of(0, 2)});
  EXPECT_EQ(content_of(load_batch(scaled, {draw_of(0, 2)}), 0), content_of(expected, 0));
}

TEST_F(Episodes, OptionsAreChecked) {
  EpisodeDatasetOptions options = small_options();
  options.image_size = 0;
  EXPECT_THROW(dataset(options), UsageError);
  options = small_options();
  options.episodes = 0;
  EXPECT_THROW(dataset(options), UsageError);
}

}  // namespace
}  // namespace lockstep::data
