#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lockstep/nn/boxes.h"
#include "lockstep/tasks/fewshot/loss.h"
#include "lockstep/tasks/fewshot/targets.h"

namespace lockstep::tasks::fewshot::fewshot_loss_test {
namespace {

constexpr std::int64_t kClasses = 2;
constexpr std::int64_t kQueries = 2;

at::Tensor wave(at::IntArrayRef shape, double frequency) {
  return (at::arange(c10::multiply_integers(shape), at::kDouble) * frequency).sin().to(at::kFloat).view(shape);
}

/// The places of an image of 96 × 96 pixels.
at::Tensor some_places() {
  std::vector<float> values;
  for (const int stride : {8, 16, 32}) {
    for (int y = 0; y < 96 / stride; ++y) {
      for (int x = 0; x < 96 / stride; ++x) {
        const auto half = static_cast<float>(stride) / 2;
        values.insert(values.end(), {half + static_cast<float>(x * stride), half + static_cast<float>(y * stride),
                                     static_cast<float>(stride)});
      }
    }
  }
  return at::tensor(values).view({-1, 3});
}

/// query, x0, y0, x1, y1, way
at::Tensor some_boxes() {
  return at::tensor({0.F, 10.F, 12.F, 33.F, 47.F, 1.F,   // small
                     0.F, 5.F,  8.F,  92.F, 90.F, 0.F,   // around it
                     0.F, 60.F, 60.F, 90.F, 95.F, -1.F,  // of no class of the episode
                     1.F, 20.F, 20.F, 95.F, 60.F, 0.F,   //
                     1.F, 0.F,  64.F, 96.F, 96.F, -2.F,  // to be ignored
                     1.F, 50.F, 70.F, 70.F, 92.F, 1.F})  // within it
      .view({-1, 6});
}

models::QueryAnswers some_answers() {
  models::QueryAnswers answers;
  answers.dense.places = some_places();
  const std::int64_t places = answers.dense.places.size(0);
  answers.dense.objectness = (wave({kQueries, places}, 0.7) * 3 - 2).requires_grad_();
  answers.dense.boxes =
      nn::decode_distances(answers.dense.places.slice(1, 0, 2), wave({kQueries, places, 4}, 0.31) * 10 + 20)
          .requires_grad_();
  const at::Tensor truth = some_boxes().slice(1, 0, 5);
  const at::Tensor near = truth + at::tensor({0.F, 2.F, -3.F, 1.F, 2.F});
  const at::Tensor beside = truth + at::tensor({0.F, 12.F, 12.F, 12.F, 12.F});
  const at::Tensor in_ignored = at::tensor({1.F, 5.F, 70.F, 30.F, 90.F}).view({1, 5});
  answers.proposals = at::cat({near, beside, in_ignored});
  answers.matching = (wave({answers.proposals.size(0), kClasses + 1}, 0.9) * 4).requires_grad_();
  answers.refined = (answers.proposals.slice(1, 1, 5) + wave({answers.proposals.size(0), 4}, 0.5)).requires_grad_();
  return answers;
}

struct Box {
  double x0, y0, x1, y1;
  double area() const { return (x1 - x0) * (y1 - y0); }
};

Box box_of(const at::Tensor& row) {
  return {row[0].item<double>(), row[1].item<double>(), row[2].item<double>(), row[3].item<double>()};
}

double shared_area(const Box& a, const Box& b) {
  return std::max(0.0, std::min(a.x1, b.x1) - std::max(a.x0, b.x0)) *
         std::max(0.0, std::min(a.y1, b.y1) - std::max(a.y0, b.y0));
}

double generalised(const Box& a, const Box& b) {
  const double joined = a.area() + b.area() - shared_area(a, b);
  const double around =
      Box{std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)}.area();
  return shared_area(a, b) / joined - (around - joined) / around;
}

/// The row of the object that a place is the middle of, from the definition: -1 for none, -2 where it does not count.
std::int64_t expected_row(std::int64_t query, double x, double y, double stride, const at::Tensor& boxes) {
  std::int64_t row = -1;
  double smallest = INFINITY;
  bool ignored = false;
  for (std::int64_t i = 0; i < boxes.size(0); ++i) {
    const Box box = box_of(boxes[i].slice(0, 1, 5));
    const double nearest = std::min({x - box.x0, y - box.y0, box.x1 - x, box.y1 - y});
    const double farthest = std::max({x - box.x0, y - box.y0, box.x1 - x, box.y1 - y});
    if (boxes[i][0].item<std::int64_t>() != query || nearest <= 0) {
      continue;
    }
    if (boxes[i][5].item<double>() < -1) {
      ignored = true;
      continue;
    }
    const bool near = std::abs(x - (box.x0 + box.x1) / 2) <= stride && std::abs(y - (box.y0 + box.y1) / 2) <= stride;
    const double least = stride == 8 ? 0 : stride == 16 ? 64 : 128;
    const double most = stride == 8 ? 64 : stride == 16 ? 128 : INFINITY;
    if (near && farthest > least && farthest <= most && box.area() < smallest) {
      smallest = box.area();
      row = i;
    }
  }
  return row < 0 && ignored ? -2 : row;
}

TEST(FewShotTargets, OfPlacesAreThoseOfTheDefinition) {
  const at::Tensor places = some_places();
  const PlaceTargets targets = targets_of_places(places, some_boxes(), kQueries);
  std::vector<int> seen(9);
  for (std::int64_t query = 0; query < kQueries; ++query) {
    for (std::int64_t i = 0; i < places.size(0); ++i) {
      const std::int64_t row = expected_row(query, places[i][0].item<double>(), places[i][1].item<double>(),
                                            places[i][2].item<double>(), some_boxes());
      EXPECT_EQ(targets.box[query][i].item<std::int64_t>(), std::max<std::int64_t>(row, -1));
      EXPECT_EQ(targets.counted[query][i].item<bool>(), row != -2);
      ++seen[static_cast<std::size_t>(row + 2)];
    }
  }
  for (const std::size_t row : {0U, 1U, 2U, 4U, 5U, 7U}) {  // to be ignored, nothing, objects 0, 2, 3 and 5
    EXPECT_GT(seen[row], 0) << row;
  }
}

TEST(FewShotTargets, OfProposalsTellObjectsFromBackgroundAndFromWhatDoesNotCount) {
  const at::Tensor proposals = at::tensor({0.F, 11.F, 12.F, 33.F, 47.F,  // object 0, of way 1
                                           1.F, 10.F, 12.F, 33.F, 47.F,  // the same place of the other query
                                           0.F, 60.F, 62.F, 90.F, 95.F,  // an object of no class of the episode
                                           0.F, 10.F, 12.F, 33.F, 28.F,  // less than half of object 0, more than 0.4
                                           1.F, 5.F,  70.F, 30.F, 90.F,  // in what is ignored
                                           1.F, 50.F, 70.F, 70.F, 91.F,  // an object in what is ignored
                                           0.F, 40.F, 0.F,  44.F, 6.F})  // nothing
                                   .view({-1, 5});
  const ProposalTargets targets = targets_of_proposals(proposals, some_boxes(), kClasses);
  EXPECT_TRUE(at::equal(targets.way, at::tensor({1, 2, 2, -1, -1, 1, 2}, at::kLong))) << targets.way;
  EXPECT_TRUE(at::equal(targets.box, at::tensor({0, -1, 2, -1, -1, 5, -1}, at::kLong))) << targets.box;
}

TEST(FewShotLoss, PartsAreThoseOfTheDefinitions) {
  const models::QueryAnswers answers = some_answers();
  const at::Tensor boxes = some_boxes();
  const EpisodeLosses losses = episode_losses(answers, boxes);

  double focal = 0;
  double dense = 0;
  double middles = 0;
  const PlaceTargets places = targets_of_places(answers.dense.places, boxes, kQueries);
  for (std::int64_t query = 0; query < kQueries; ++query) {
    for (std::int64_t i = 0; i < answers.dense.places.size(0); ++i) {
      const auto row = places.box[query][i].item<std::int64_t>();
      const double p = 1 / (1 + std::exp(-answers.dense.objectness[query][i].item<double>()));
      if (row >= 0) {
        focal -= 0.25 * (1 - p) * (1 - p) * std::log(p);
        dense += 1 - generalised(box_of(answers.dense.boxes[query][i]), box_of(boxes[row].slice(0, 1, 5)));
        middles += 1;
      } else if (places.counted[query][i].item<bool>()) {
        focal -= 0.75 * p * p * std::log(1 - p);
      }
    }
  }
  EXPECT_NEAR(losses.objectness.item<double>(), focal / middles, 1e-4);
  EXPECT_NEAR(losses.boxes.item<double>(), dense / middles, 1e-4);

  const ProposalTargets proposals = targets_of_proposals(answers.proposals, boxes, kClasses);
  double refined = 0;
  double shown = 0;
  for (std::int64_t i = 0; i < answers.proposals.size(0); ++i) {
    const auto row = proposals.box[i].item<std::int64_t>();
    if (row >= 0) {
      refined += 1 - generalised(box_of(answers.refined[i]), box_of(boxes[row].slice(0, 1, 5)));
      shown += 1;
    }
  }
  EXPECT_GE(shown, 4);
  EXPECT_NEAR(losses.refinement.item<double>(), refined / shown, 1e-4);
  EXPECT_NEAR(losses.matching.item<double>(), matching_loss(answers.matching, proposals.way).item<double>(), 1e-6);
  const LossWeights weights{2, 3, 5, 7};
  EXPECT_NEAR(episode_loss(answers, boxes, weights).item<double>(),
              2 * losses.objectness.item<double>() + 3 * losses.boxes.item<double>() +
                  5 * losses.matching.item<double>() + 7 * losses.refinement.item<double>(),
              1e-4);
}

TEST(FewShotLoss, BackgroundCountsAtMostThriceAsMuchAsObjects) {
  const at::Tensor logits = wave({12, 3}, 0.8) * 2;
  const at::Tensor entropy = -logits.log_softmax(1);
  const at::Tensor way = at::tensor({0, 2, 2, 2, 2, 2, 2, 2, 2, -1, 2, 2}, at::kLong);
  const at::Tensor rest = at::cat({entropy.slice(0, 1, 9), entropy.slice(0, 10)}).select(1, 2);
  const double expected = (entropy[0][0].item<double>() + 3 * rest.mean().item<double>()) / 4;
  EXPECT_NEAR(matching_loss(logits, way).item<double>(), expected, 1e-5);

  const at::Tensor few = at::tensor({0, 1, 2, 1, 0, 1, 0, 1, 0, -1, -1, -1}, at::kLong);
  const double mean = entropy.slice(0, 0, 9).gather(1, few.slice(0, 0, 9).unsqueeze(1)).mean().item<double>();
  EXPECT_NEAR(matching_loss(logits, few).item<double>(), mean, 1e-5);
  EXPECT_EQ(matching_loss(logits, at::full({12}, -1, at::kLong)).item<double>(), 0);
}

TEST(FewShotLoss, IsFiniteAtSaturatedLogitsOfHalfPrecision) {
  models::QueryAnswers answers = some_answers();
  const auto saturated = [](const at::Tensor& logits) {
    return (logits.detach().sign() * 65504).to(at::kHalf).requires_grad_();
  };
  answers.dense.objectness = saturated(answers.dense.objectness);
  answers.matching = saturated(answers.matching);
  const at::Tensor loss = episode_loss(answers, some_boxes(), {});
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  loss.backward();
  EXPECT_TRUE(answers.dense.objectness.grad().isfinite().all().item<bool>());
  EXPECT_TRUE(answers.matching.grad().isfinite().all().item<bool>());
}

TEST(FewShotLoss, OfAnEpisodeWithoutBoxesIsFiniteAndReachesEveryAnswer) {
  const at::Tensor none = at::zeros({0, 6});
  const at::Tensor ignored = at::tensor({0.F, 0.F, 0.F, 96.F, 96.F, -3.F}).view({1, 6});
  for (const at::Tensor& boxes : {none, ignored}) {
    const models::QueryAnswers answers = some_answers();
    const at::Tensor loss = episode_loss(answers, boxes, {});
    EXPECT_TRUE(std::isfinite(loss.item<double>()));
    EXPECT_GT(loss.item<double>(), 0);
    loss.backward();
    for (const at::Tensor& answer :
         {answers.dense.objectness, answers.dense.boxes, answers.matching, answers.refined}) {
      ASSERT_TRUE(answer.grad().defined());
      EXPECT_TRUE(answer.grad().isfinite().all().item<bool>());
    }
  }
}

TEST(FewShotLoss, GradientsAreThoseOfSmallSteps) {
  models::QueryAnswers answers = some_answers();
  episode_loss(answers, some_boxes(), {}).backward();
  const auto loss_with = [&](at::Tensor models::QueryAnswers::*answer, std::int64_t index, double step) {
    models::QueryAnswers moved = some_answers();
    const at::NoGradGuard no_gradient;
    (moved.*answer).view(-1)[index] += step;
    return episode_loss(moved, some_boxes(), {}).item<double>();
  };
  constexpr double kStep = 0.01;
  for (const auto answer : {&models::QueryAnswers::matching, &models::QueryAnswers::refined}) {
    for (std::int64_t i = 0; i < (answers.*answer).numel(); i += 3) {
      const double slope = (loss_with(answer, i, kStep) - loss_with(answer, i, -kStep)) / (2 * kStep);
      EXPECT_NEAR((answers.*answer).grad().view(-1)[i].item<double>(), slope, 2e-3) << i;
    }
  }
}

TEST(FewShotLoss, JitteredBoxesStayNearTheirObjects) {
  RandomStream random({1, Purpose::kAugment, 2, 3, 4});
  const at::Tensor truth = some_boxes();
  const at::Tensor moved = jittered_boxes(truth, 5, random);
  ASSERT_EQ(moved.sizes(), (std::vector<std::int64_t>{30, 5}));
  EXPECT_TRUE(at::equal(moved.select(1, 0), truth.select(1, 0).repeat({5})));
  const at::Tensor overlap = nn::pairwise_iou(moved.slice(1, 1, 5), truth.slice(1, 1, 5).repeat({5, 1})).diagonal();
  EXPECT_GE(overlap.min().item<double>(), 0.49);
  EXPECT_LT(overlap.max().item<double>(), 1);
  RandomStream again({1, Purpose::kAugment, 2, 3, 4});
  EXPECT_TRUE(at::equal(jittered_boxes(truth, 5, again), moved));
}

}  // namespace
}  // namespace lockstep::tasks::fewshot::fewshot_loss_test
