#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/data/batch.h"
#include "lockstep/media/encode.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/tasks/fewshot/baselines.h"
#include "lockstep/tasks/fewshot/predict.h"
#include "lockstep/tasks/fewshot/task.h"
#include "tests/support/logged_lines.h"
#include "tests/support/shapes.h"
#include "tests/support/temp_folder.h"

namespace lockstep::tasks::fewshot::fewshot_task_test {
namespace {

using testing::HasSubstr;

Options small_options(const std::filesystem::path& dataset) {
  Options options;
  options.dataset_path = dataset;
  options.novel_classes = "pink, red";
  options.n_way = 2;
  options.k_shot = 2;
  options.episodes_per_epoch = 6;
  options.evaluation_episodes = 3;
  options.image_size = 64;
  options.support_size = 32;
  options.network.backbone = "edgenext_xx_small";
  options.network.width = 16;
  options.network.max_proposals = 12;
  return options;
}

class FewShotTaskTest : public testing::Test {
 protected:
  FewShotTaskTest() { test::write_shapes(in_folder("data"), 24, 12); }

  Options options() const { return small_options(in_folder("data")); }
  std::filesystem::path in_folder(const std::string& name) const { return folder_ / name; }

 private:
  test::TempFolder folder_;
};

/// What the engine does to samples.
DeviceBatch on_device(data::Batch& batch) {
  DeviceBatch device{{}, batch};
  for (std::size_t i = 0; i < batch.layout.size(); ++i) {
    std::vector<std::int64_t> shape{static_cast<std::int64_t>(batch.size())};
    shape.insert(shape.end(), batch.layout[i].shape.begin(), batch.layout[i].shape.end());
    const data::DType dtype = batch.layout[i].dtype;
    const auto type = dtype == data::DType::kInt64     ? at::kLong
                      : dtype == data::DType::kFloat32 ? at::kFloat
                                                       : at::kByte;
    device.fields.push_back(at::from_blob(batch.fields[i].data(), shape, type));
  }
  return device;
}

std::vector<double> losses_of(Model& model, const data::Dataset& set, const std::vector<std::uint64_t>& places) {
  std::vector<data::Draw> draws;
  for (const std::uint64_t place : places) {
    draws.push_back({1, 0, place, place});
  }
  data::Batch batch = data::load_batch(set, draws);
  DeviceBatch device = on_device(batch);
  model.prepare(device);
  const nn::RandomScope random(1, 0, places);
  const at::Tensor losses = model.losses(device);
  losses.sum().backward();
  std::vector<double> values;
  for (std::int64_t i = 0; i < losses.size(0); ++i) {
    values.push_back(losses[i].item<double>());
  }
  return values;
}

std::vector<Record> scores_of(Model& model, const data::Dataset& set) {
  const at::NoGradGuard no_gradient;
  model.network().eval();
  std::vector<data::Draw> draws;
  for (std::uint64_t i = 0; i < set.size(); ++i) {
    draws.push_back({0, 0, i, i});
  }
  data::Batch batch = data::load_batch(set, draws);
  DeviceBatch device = on_device(batch);
  model.prepare(device);
  return model.score(device);
}

TEST_F(FewShotTaskTest, TrainsOnBaseClassesAndEvaluatesOnNovelOnes) {
  const FewShotTask task(options());
  EXPECT_EQ(task.training_set().size(), 6U);
  EXPECT_EQ(task.evaluation_set().size(), 3U);
  EXPECT_EQ(task.unit().per_time(), "episodes/min");
  const auto& training = dynamic_cast<const data::EpisodeDataset&>(task.training_set());
  for (std::uint64_t i = 0; i < 20; ++i) {
    for (const std::size_t number : training.plan_of({5, 0, i, i}).classes) {
      EXPECT_NE(task.class_names()[number], "pink");
      EXPECT_NE(task.class_names()[number], "red");
    }
  }
  for (std::uint64_t i = 0; i < 3; ++i) {
    const std::vector<std::size_t> classes = task.evaluation_episodes().plan_of({i, i, i, i}).classes;
    EXPECT_THAT(classes, testing::UnorderedElementsAre(3U, 4U));
  }
}

TEST_F(FewShotTaskTest, CutsEpisodesToTheClassesThatAreThereAndSaysSo) {
  const test::LoggedLines lines;
  Options many = options();
  many.n_way = 5;
  const FewShotTask task(many);
  EXPECT_EQ(task.training_set().layout()[data::kClassField].shape.at(0), 4);
  EXPECT_EQ(task.evaluation_set().layout()[data::kClassField].shape.at(0), 2);
  EXPECT_THAT(lines.text(), HasSubstr("there are 2 novel classes"));
}

TEST_F(FewShotTaskTest, ALossIsThatOfItsEpisodeAlone) {
  const FewShotTask task(options());
  const auto together = task.make_model(3);
  const std::vector<double> both = losses_of(*together, task.training_set(), {0, 4});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_TRUE(std::isfinite(both[0]));
  EXPECT_NE(both[0], both[1]);
  const auto alone = task.make_model(3);
  EXPECT_DOUBLE_EQ(losses_of(*alone, task.training_set(), {4}).at(0), both[1]);
  for (const auto& parameter : together->network().named_parameters()) {
    EXPECT_TRUE(parameter.value().grad().defined()) << parameter.key();
  }
}

TEST_F(FewShotTaskTest, SupportsInChunksGiveTheSameLoss) {
  Options chunked = options();
  chunked.network.support_chunk = 1;
  const FewShotTask task(options());
  const FewShotTask in_chunks(chunked);
  const double whole = losses_of(*task.make_model(3), task.training_set(), {2}).at(0);
  EXPECT_NEAR(losses_of(*in_chunks.make_model(3), in_chunks.training_set(), {2}).at(0), whole, 1e-4 * std::abs(whole));
}

TEST_F(FewShotTaskTest, ScoresEachEpisodeAndSummarises) {
  const FewShotTask task(options());
  const auto model = task.make_model(3);
  const std::vector<Record> records = scores_of(*model, task.evaluation_set());
  ASSERT_EQ(records.size(), 3U);
  const EpisodeResult result = from_record(records[0]);
  EXPECT_THAT(result.classes, testing::UnorderedElementsAre(3U, 4U));
  EXPECT_FALSE(result.truth.empty());
  const auto metrics = task.summarise(records);
  for (const char* name : {"ap", "ap50", "ap75", "ap50_ci", "ap50 pink", "ap50 red"}) {
    EXPECT_TRUE(metrics.contains(name)) << name;
  }
}

TEST_F(FewShotTaskTest, ShowsExamplesBesideWhatIsFound) {
  const FewShotTask task(options());
  const auto model = task.make_model(3);
  const at::NoGradGuard no_gradient;
  model->network().eval();
  data::Batch batch = data::load_batch(task.evaluation_set(), {{0, 0, 1, 1}});
  DeviceBatch device = on_device(batch);
  model->prepare(device);
  const std::vector<Example> examples = model->illustrate(device);
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_GT(examples[0].png.size(), 1000U);
}

TEST_F(FewShotTaskTest, RandomFeaturesMatchTheProposalsOfTheNetwork) {
  const FewShotTask task(options());
  RandomFeatures one(options(), task.class_names(), 3);
  RandomFeatures other(options(), task.class_names(), 4);
  const auto trained = task.make_model(9);
  for (RandomFeatures* model : {&one, &other}) {
    const at::NoGradGuard no_gradient;
    const auto weights = trained->network().named_parameters();
    for (const auto& parameter : model->network().named_parameters()) {
      parameter.value().copy_(weights[parameter.key()]);
    }
  }
  const std::vector<Record> records = scores_of(one, task.evaluation_set());
  const EpisodeResult result = from_record(records[0]);
  ASSERT_FALSE(result.found.empty());
  for (const metrics::Detection& found : result.found) {
    EXPECT_GE(found.score, 0);
    EXPECT_LE(found.score, 1);
  }
  EXPECT_NE(records, scores_of(other, task.evaluation_set()));
  EXPECT_EQ(records, scores_of(one, task.evaluation_set()));
}

metrics::TrueBox box_at(std::int64_t image, std::int64_t category, double x) {
  return {.image = image, .category = category, .x0 = x, .y0 = 0, .x1 = x + 10, .y1 = 10};
}

metrics::Detection found_at(std::int64_t image, std::int64_t category, double x, double score) {
  return {.image = image, .category = category, .score = score, .x0 = x, .y0 = 0, .x1 = x + 10, .y1 = 10};
}

TEST(FewShotSummary, IsTheMeanOverEpisodesAndOfEachClass) {
  const EpisodeResult right{
      {2, 0}, {found_at(0, 0, 5, 0.9), found_at(1, 1, 8, 0.8)}, {box_at(0, 0, 5), box_at(1, 1, 8)}};
  const EpisodeResult half{
      {0, 1}, {found_at(0, 0, 5, 0.9), found_at(1, 1, 40, 0.8)}, {box_at(0, 0, 5), box_at(1, 1, 8)}};
  const std::vector<Record> records{to_record(right), to_record(half)};
  const auto metrics = summarise_episodes(records, {"a", "b", "c"});
  EXPECT_NEAR(metrics.at("ap50"), 0.75, 1e-9);
  EXPECT_NEAR(metrics.at("ap"), 0.75, 1e-9);
  EXPECT_NEAR(metrics.at("ap50 a"), 1, 1e-9);  // in both episodes, under other numbers
  EXPECT_NEAR(metrics.at("ap50 b"), 0, 1e-9);
  EXPECT_NEAR(metrics.at("ap50 c"), 1, 1e-9);
  // Student's t with one degree of freedom, and a deviation of the mean of 0.25.
  EXPECT_NEAR(metrics.at("ap50_ci"), 12.7062 * 0.25, 1e-3);
}

TEST(FewShotSummary, RecordsHoldAllOfAnEpisode) {
  EpisodeResult result{{7, 3}, {found_at(2, 1, 5.25, 0.75)}, {box_at(0, 0, 1), box_at(1, 1, 2)}};
  result.truth[0].is_crowd = true;
  result.truth[1].is_ignored = true;
  const EpisodeResult read = from_record(to_record(result));
  EXPECT_EQ(read.classes, result.classes);
  ASSERT_EQ(read.found.size(), 1U);
  EXPECT_EQ(read.found[0].image, 2);
  EXPECT_EQ(read.found[0].category, 1);
  EXPECT_EQ(read.found[0].x1, 15.25);
  EXPECT_EQ(read.found[0].score, 0.75);
  ASSERT_EQ(read.truth.size(), 2U);
  EXPECT_TRUE(read.truth[0].is_crowd && !read.truth[0].is_ignored);
  EXPECT_TRUE(!read.truth[1].is_crowd && read.truth[1].is_ignored);
}

std::string usage_error(const Options& options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(FewShotOptions, RefusesWrongOnesByTheirFlag) {
  const Options good = small_options("somewhere");
  EXPECT_EQ(usage_error(good), "");
  const auto refused = [&](auto change) {
    Options options = good;
    change(options);
    return usage_error(options);
  };
  EXPECT_THAT(refused([](Options& o) { o.dataset_path.clear(); }), HasSubstr("--dataset-path"));
  EXPECT_THAT(refused([](Options& o) { o.image_size = 100; }), HasSubstr("--img-size"));
  EXPECT_THAT(refused([](Options& o) { o.support_size = 0; }), HasSubstr("--support-size"));
  EXPECT_THAT(refused([](Options& o) { o.n_way = 0; }), HasSubstr("--n-way"));
  EXPECT_THAT(refused([](Options& o) { o.k_shot = 0; }), HasSubstr("--k-shot"));
  EXPECT_THAT(refused([](Options& o) { o.queries_per_class = -1; }), HasSubstr("--queries-per-class"));
  EXPECT_THAT(refused([](Options& o) { o.evaluation_episodes = 0; }), HasSubstr("--evaluation-episodes"));
  EXPECT_THAT(refused([](Options& o) { o.network.support_chunk = -1; }), HasSubstr("--support-chunk"));
  EXPECT_THAT(refused([](Options& o) { o.network.max_proposals = 0; }), HasSubstr("--max-proposals"));
  EXPECT_THAT(refused([](Options& o) { o.loss.matching = NAN; }), HasSubstr("--matching-weight"));
  EXPECT_THAT(refused([](Options& o) { o.novel_fraction = 0.5; }), HasSubstr("--novel-fraction"));
}

/// A folder of examples: "red" as whole pictures, "blue" as a box in VOC's XML.
class Examples : public testing::Test {
 protected:
  Examples() {
    make_directories(folder_ / "examples" / "red");
    make_directories(folder_ / "examples" / "blue");
    media::Image red(20, 30, 3);
    write_file_atomically(folder_ / "examples" / "red" / "one.png", media::encode_png(red));
    write_picture("blue", "some.png");
    write_voc("blue");
  }

  void write_picture(const std::string& name, const std::string& file) const {
    write_file_atomically(folder_ / "examples" / name / file, media::encode_png(test::make_shapes(0).picture));
  }

  void write_voc(const std::string& named) const {
    const std::string object = text("<object><name>", named,
                                    "</name><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>33</xmax><ymax>44</ymax></bndbox>"
                                    "</object>");
    write_file_atomically(folder_ / "examples" / "blue" / "some.xml",
                          text("<annotation><size><width>120</width><height>96</height></size>", object,
                               "<object><name>other</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>9</xmax>"
                               "<ymax>9</ymax></bndbox></object></annotation>"));
  }

  std::filesystem::path examples() const { return folder_ / "examples"; }

  std::string error() const {
    try {
      read_examples(examples());
    } catch (const DataError& problem) {
      return problem.what();
    }
    return "";
  }

 private:
  test::TempFolder folder_;
};

TEST_F(Examples, AreWholePicturesOrWhatIsAnnotated) {
  const std::vector<ShownClass> classes = read_examples(examples());
  ASSERT_EQ(classes.size(), 2U);
  EXPECT_EQ(classes[0].name, "blue");
  ASSERT_EQ(classes[0].pictures.at(0).boxes.size(), 1U);
  EXPECT_EQ(classes[0].pictures[0].boxes[0].x0, 3);
  EXPECT_EQ(classes[0].pictures[0].boxes[0].y1, 44);
  EXPECT_EQ(classes[1].name, "red");
  EXPECT_EQ(classes[1].pictures.at(0).boxes.at(0).x1, 20);
  EXPECT_EQ(classes[1].pictures[0].boxes[0].y1, 30);
}

TEST_F(Examples, MayBeAnnotatedInJson) {
  write_picture("red", "two.png");
  const nlohmann::json coco = {
      {"images", {{{"id", 1}, {"file_name", "two.png"}, {"width", 120}, {"height", 96}}}},
      {"categories", {{{"id", 1}, {"name", "red"}}}},
      {"annotations", {{{"id", 1}, {"image_id", 1}, {"category_id", 1}, {"bbox", {10, 20, 30, 40}}}}}};
  write_file_atomically(examples() / "red" / "boxes.json", coco.dump());
  const ShownClass red = read_examples(examples()).at(1);
  ASSERT_EQ(red.pictures.size(), 2U);
  EXPECT_EQ(red.pictures[0].boxes.at(0).x1, 20);  // not in the file: all of it
  EXPECT_EQ(red.pictures[1].boxes.at(0).x1, 40);
}

TEST_F(Examples, WhatIsWrongIsNamed) {
  write_voc("green");
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("some.xml"), HasSubstr("no box of 'blue'")));
  write_voc("blue");
  make_directories(examples() / "empty");
  EXPECT_THAT(error(), HasSubstr("empty"));
  std::filesystem::remove_all(examples() / "empty");
  write_file_atomically(examples() / "red" / "broken.png", std::string("no picture"));
  EXPECT_THAT(error(), HasSubstr("broken.png"));
  EXPECT_THROW(read_examples(examples() / "red"), DataError);
  EXPECT_THROW(read_pictures(examples()), DataError);
}

TEST_F(Examples, AreLookedForInPicturesOfAnySize) {
  PictureSearch search(small_options("somewhere"));
  nn::initialise(search.network(), 3);
  search.network().eval();
  const at::NoGradGuard no_gradient;
  const std::vector<ShownClass> classes = read_examples(examples());
  const models::Prototypes prototypes = search.look_at(classes, at::kCPU);
  EXPECT_EQ(prototypes.whole.size(0), 2);

  const PictureSet pictures(read_pictures(examples() / "red"), 64);  // one of 20 x 30 pixels
  data::Batch batch = data::load_batch(pictures, {{0, 0, 0, 0}});
  DeviceBatch device = on_device(batch);
  search.prepare(device);
  const std::vector<metrics::Detection> found = search.find(device, pictures, prototypes, 0);
  ASSERT_FALSE(found.empty());
  double farthest = 0;
  for (const metrics::Detection& one : found) {
    EXPECT_EQ(one.image, 0);
    EXPECT_GE(one.x0, 0);
    EXPECT_LE(one.x1, 20);
    EXPECT_LE(one.y1, 30);
    farthest = std::max(farthest, one.y1);
  }
  EXPECT_GT(farthest, 15);  // in pixels of the picture, not of the square
}

}  // namespace
}  // namespace lockstep::tasks::fewshot::fewshot_task_test
