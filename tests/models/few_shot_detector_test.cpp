#include "lockstep/models/few_shot_detector.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <string>
#include <vector>

#include "lockstep/base/error.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::models::few_shot_detector_test {
namespace {

FewShotDetectorOptions small_options() {
  FewShotDetectorOptions options;
  options.backbone = "edgenext_xx_small";
  options.width = 16;
  options.max_proposals = 7;
  return options;
}

at::Tensor wave(at::IntArrayRef shape, double frequency) {
  return (at::arange(c10::multiply_integers(shape), at::kDouble) * frequency).sin().to(at::kFloat).view(shape);
}

at::Tensor supports() { return wave({4, 3, 64, 64}, 0.37); }
at::Tensor support_boxes() {
  return at::tensor({8.F, 8.F, 40.F, 50.F, 0.F, 0.F, 64.F, 64.F, 20.F, 10.F, 30.F, 44.F, 9.F, 9.F, 30.F, 20.F})
      .view({4, 4});
}
at::Tensor queries() { return wave({2, 3, 96, 128}, 0.53); }

/// Where the seed and the structure have set the weights.
std::shared_ptr<FewShotDetector> network_of(const FewShotDetectorOptions& options) {
  auto network = std::make_shared<FewShotDetector>(options);
  nn::initialise(*network, 1);
  return network;
}

QueryAnswers answers_of(FewShotDetector& network, const at::Tensor& extra_boxes = {}) {
  return network.forward(queries(), network.prototypes(supports(), support_boxes(), 2), extra_boxes);
}

double sum_of_all(const QueryAnswers& answers) {
  return (answers.dense.objectness.sum() + answers.dense.boxes.sum() + answers.matching.sum() + answers.refined.sum())
      .item<double>();
}

std::string usage_error(FewShotDetectorOptions options) {
  try {
    options.validate();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(FewShotDetector, AnswersForEveryPlaceAndEveryProposal) {
  const auto network = network_of(small_options());
  const at::Tensor extra = at::tensor({1.F, 3.F, 4.F, 50.F, 60.F}).view({1, 5});
  const QueryAnswers answers = answers_of(*network, extra);
  const std::int64_t places = 12 * 16 + 6 * 8 + 3 * 4;
  EXPECT_EQ(answers.dense.objectness.sizes(), (std::vector<std::int64_t>{2, places}));
  EXPECT_EQ(answers.dense.boxes.sizes(), (std::vector<std::int64_t>{2, places, 4}));
  EXPECT_EQ(answers.dense.places.sizes(), (std::vector<std::int64_t>{places, 3}));
  const std::int64_t count = answers.proposals.size(0);
  EXPECT_EQ(answers.matching.sizes(), (std::vector<std::int64_t>{count, 3}));
  EXPECT_EQ(answers.refined.sizes(), (std::vector<std::int64_t>{count, 4}));
  EXPECT_TRUE(at::equal(answers.proposals[count - 1], extra[0]));
  EXPECT_EQ(answers.objectness[count - 1].item<float>(), 1);
}

TEST(FewShotDetector, AsksForNoMoreProposalsThanItIsAllowed) {
  const auto network = network_of(small_options());
  const at::Tensor proposals = answers_of(*network).proposals;
  for (const double query : {0, 1}) {
    const std::int64_t count = (proposals.select(1, 0) == query).sum().item<std::int64_t>();
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 7);
  }
  EXPECT_GE(proposals.slice(1, 1, 5).min().item<float>(), 0);
  EXPECT_LE(proposals.select(1, 3).max().item<float>(), 128);
  EXPECT_LE(proposals.select(1, 4).max().item<float>(), 96);
}

TEST(FewShotDetector, TellsABoxFromAnotherByItsSupports) {
  const auto network = network_of(small_options());
  network->eval();
  const at::NoGradGuard no_gradient;
  const Prototypes prototypes =
      network->prototypes(queries(), at::tensor({8.F, 8.F, 60.F, 60.F, 9.F, 30.F, 44.F, 90.F}).view({2, 4}), 2);
  const at::Tensor same = at::tensor({0.F, 8.F, 8.F, 60.F, 60.F, 1.F, 9.F, 30.F, 44.F, 90.F}).view({2, 5});
  const at::Tensor matching = network->forward(queries(), prototypes, same).matching;
  const at::Tensor of_same = matching.slice(0, matching.size(0) - 2).slice(1, 0, 2);
  EXPECT_TRUE(at::equal(of_same.argmax(1), at::arange(2)));
}

TEST(FewShotDetector, EveryWeightTakesPart) {
  const auto network = network_of(small_options());
  // A layer scale of a millionth hides what is behind it.
  for (const auto& parameter : network->named_parameters()) {
    if (parameter.key().find("gamma") != std::string::npos) {
      const at::NoGradGuard no_gradient;
      parameter.value().fill_(0.5);
    }
  }
  const QueryAnswers answers = answers_of(*network);
  const at::Tensor loss = answers.dense.objectness.sigmoid().sum() + answers.dense.boxes.square().mean() +
                          answers.matching.log_softmax(1).square().sum() + answers.refined.square().sum();
  loss.backward();
  for (const auto& parameter : network->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().sum().item<double>(), 0) << parameter.key();
  }
}

TEST(FewShotDetector, SupportsInChunksGiveTheSamePrototypes) {
  FewShotDetectorOptions options = small_options();
  const auto all_at_once = network_of(options);
  options.support_chunk = 3;
  const auto in_chunks = network_of(options);
  const Prototypes whole = all_at_once->prototypes(supports(), support_boxes(), 2);
  const Prototypes parts = in_chunks->prototypes(supports(), support_boxes(), 2);
  EXPECT_TRUE(at::allclose(whole.whole, parts.whole, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(whole.regions, parts.regions, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(whole.whole.square().sum(-1), at::ones({2}), 1e-4, 1e-5));
}

TEST(FewShotDetector, ClassesThatAreMadeOneByOneAreJoined) {
  const auto network = network_of(small_options());
  const Prototypes together = network->prototypes(supports(), support_boxes(), 2);
  const Prototypes joined =
      Prototypes::join({network->prototypes(supports().slice(0, 0, 2), support_boxes().slice(0, 0, 2), 1),
                        network->prototypes(supports().slice(0, 2, 4), support_boxes().slice(0, 2, 4), 1)});
  EXPECT_TRUE(at::allclose(joined.whole, together.whole, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(joined.regions, together.regions, 1e-4, 1e-5));
}

TEST(FewShotDetector, CheckpointingChangesNoGradient) {
  std::vector<at::Tensor> gradients;
  for (const bool checkpointing : {false, true}) {
    FewShotDetectorOptions options = small_options();
    options.gradient_checkpointing = checkpointing;
    const auto network = network_of(options);
    const QueryAnswers answers = answers_of(*network);
    (answers.matching.square().sum() + answers.dense.boxes.mean()).backward();
    gradients.push_back(network->named_parameters()["backbone.stem.0.weight"].grad());
  }
  EXPECT_TRUE(at::allclose(gradients[0], gradients[1], 1e-3, 1e-4));
}

TEST(FewShotDetector, IsAFunctionOfItsSeed) {
  const auto first = network_of(small_options());
  const auto second = network_of(small_options());
  EXPECT_EQ(sum_of_all(answers_of(*first)), sum_of_all(answers_of(*second)));
  nn::initialise(*second, 2);
  EXPECT_NE(sum_of_all(answers_of(*first)), sum_of_all(answers_of(*second)));
}

TEST(FewShotDetector, DetectionsAreSureOnesWithoutDoubles) {
  const auto network = network_of(small_options());
  network->eval();
  const Prototypes prototypes = network->prototypes(supports(), support_boxes(), 2);
  const auto detections =
      network->detect(queries(), prototypes, {.score_threshold = 1e-6, .nms_threshold = 0.3, .max_detections = 3});
  ASSERT_EQ(detections.size(), 2U);
  for (const QueryDetections& of_query : detections) {
    const std::int64_t count = of_query.scores.size(0);
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 3);
    EXPECT_EQ(of_query.boxes.sizes(), (std::vector<std::int64_t>{count, 4}));
    EXPECT_TRUE(at::equal(of_query.scores, std::get<0>(of_query.scores.sort(0, true))));
    EXPECT_TRUE(((of_query.ways >= 0) & (of_query.ways < 2)).all().item<bool>());
    const at::Tensor same_way = of_query.ways.unsqueeze(0) == of_query.ways.unsqueeze(1);
    const at::Tensor overlap = (nn::pairwise_iou(of_query.boxes, of_query.boxes) * same_way).triu(1);
    EXPECT_LE(overlap.max().item<double>(), 0.3);
    EXPECT_FALSE(of_query.boxes.requires_grad());
  }
  const auto none = network->detect(queries(), prototypes, {.score_threshold = 1.1});
  EXPECT_EQ(none[0].boxes.sizes(), (std::vector<std::int64_t>{0, 4}));
}

TEST(FewShotDetector, OptionsThatCannotBeAreNamed) {
  FewShotDetectorOptions options = small_options();
  EXPECT_EQ(usage_error(options), "");
  options.width = 12;
  EXPECT_NE(usage_error(options).find("--width 12"), std::string::npos);
  options = small_options();
  options.max_proposals = 0;
  EXPECT_NE(usage_error(options).find("--max-proposals 0"), std::string::npos);
  options = small_options();
  options.backbone = "resnet";
  EXPECT_NE(usage_error(options).find("resnet"), std::string::npos);
  options = small_options();
  options.support_chunk = -1;
  EXPECT_NE(usage_error(options).find("--support-chunk -1"), std::string::npos);
}

TEST(FewShotDetector, ImagesOfOddSizesAreNamed) {
  const auto network = network_of(small_options());
  EXPECT_THROW(network->prototypes(at::zeros({1, 3, 60, 64}), at::zeros({1, 4}), 1), UsageError);
}

}  // namespace
}  // namespace lockstep::models::few_shot_detector_test
