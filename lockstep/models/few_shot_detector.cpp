#include "lockstep/models/few_shot_detector.h"

#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/nms.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kMultipleOfWidth = 8;
constexpr std::int64_t kMultipleOfSides = 32;
constexpr double kFirstTemperature = 15;  // what cosines are multiplied by to become logits
constexpr double kHottest = 100;
constexpr double kFirstAffinity = 2;      // of a region for the prototype's region at the same place
constexpr double kFirstBackground = 0.2;  // a cosine above which a class is preferred
constexpr std::int64_t kRefinementWidth = 64;
constexpr double kFarthestMove = 0.4;  // of a side of the box: it can never turn inside out

const FewShotDetectorOptions& checked(const FewShotDetectorOptions& options) {
  options.validate();
  return options;
}

std::array<std::int64_t, 3> coarse_channels(const EdgeNeXtVariant& variant) {
  return {variant.channels[1], variant.channels[2], variant.channels[3]};
}

void check_sides(const at::Tensor& images) {
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  if (height % kMultipleOfSides != 0 || width % kMultipleOfSides != 0 || height == 0 || width == 0) {
    throw UsageError(text("images of ", height, " × ", width, " pixels do not fit the network"),
                     text("give --img-size and --support-size multiples of ", kMultipleOfSides));
  }
}

/// Boxes with the number of their image before each: one box an image. // (n, 5)
at::Tensor one_an_image(const at::Tensor& boxes) {
  const at::Tensor image = at::arange(boxes.size(0), boxes.options().dtype(at::kFloat)).unsqueeze(1);
  return at::cat({image, boxes.to(at::kFloat)}, 1);
}

/// Turns what is known of a box and of its prototype into how far its sides move.
class Refinement : public torch::nn::Module, public nn::KaimingInitialised {
 public:
  explicit Refinement(std::int64_t width)
      : compare_(register_module("compare", torch::nn::Linear(2 * width, kRefinementWidth))) {}

  /// (boxes, kRegions, 2 * width) to (boxes, kRegions * kRefinementWidth)
  at::Tensor forward(const at::Tensor& pairs) { return at::gelu(compare_->forward(pairs)).flatten(1); }

 private:
  torch::nn::Linear compare_;
};

}  // namespace

void FewShotDetectorOptions::validate() const {
  edgenext_variant(backbone);
  if (width < kMultipleOfWidth || width % kMultipleOfWidth != 0) {
    throw UsageError(text("--width ", width, " is no multiple of ", kMultipleOfWidth), "give 64 or 128, for example");
  }
  if (max_proposals < 1) {
    throw UsageError(text("--max-proposals ", max_proposals, " leaves nothing to match"), "give at least 1");
  }
  if (!(drop_path >= 0.0 && drop_path < 1.0)) {
    throw UsageError(text("--drop-path ", drop_path, " is no probability below 1"), "give a number from 0 to 0.9");
  }
  if (support_chunk < 0) {
    throw UsageError(text("--support-chunk ", support_chunk, " is no number of supports"), "give 0 for all at once");
  }
}

Prototypes Prototypes::join(const std::vector<Prototypes>& parts) {
  std::vector<at::Tensor> whole;
  std::vector<at::Tensor> regions;
  for (const Prototypes& part : parts) {
    whole.push_back(part.whole);
    regions.push_back(part.regions);
  }
  return {at::cat(whole), at::cat(regions)};
}

FewShotDetector::FewShotDetector(const FewShotDetectorOptions& options)
    : options_(checked(options)),
      backbone_(register_module(
          "backbone",
          std::make_shared<EdgeNeXt>(
              edgenext_variant(options.backbone),
              EdgeNeXtOptions{.drop_path = options.drop_path, .gradient_checkpointing = options.gradient_checkpointing},
              layers_))),
      pyramid_(register_module("pyramid", std::make_shared<FeaturePyramid>(
                                              coarse_channels(edgenext_variant(options.backbone)), options.width))),
      proposals_(register_module("proposals", std::make_shared<ProposalHead>(options.width))),
      embedding_(register_module("embedding", std::make_shared<RegionEmbedding>(
                                                  edgenext_variant(options.backbone).channels[0], options.width))),
      background_(register_module(
          "background", torch::nn::Linear(torch::nn::LinearOptions(options.width, 1 + kRegions).bias(false)))),
      background_bias_(register_parameter("background_bias", at::full({1}, kFirstBackground, at::kFloat))),
      log_temperature_(register_parameter("log_temperature", at::full({1}, std::log(kFirstTemperature), at::kFloat))),
      share_of_regions_(register_parameter("share_of_regions", at::zeros({1}))),
      affinity_of_regions_(register_parameter("affinity_of_regions", kFirstAffinity * at::eye(kRegions))),
      refinement_(
          register_module("refinement", torch::nn::Sequential(std::make_shared<Refinement>(options.width),
                                                              torch::nn::Linear(kRegions * kRefinementWidth, 4)))) {}

FewShotDetector::Features FewShotDetector::features_of(const at::Tensor& images) {
  check_sides(images);
  std::vector<at::Tensor> features = backbone_->forward(images);
  return {features[0], pyramid_->forward({features.begin() + 1, features.end()})};
}

Prototypes FewShotDetector::prototypes(const at::Tensor& supports, const at::Tensor& boxes, std::int64_t classes) {
  LOCKSTEP_ASSERT(classes > 0 && supports.size(0) % classes == 0 && boxes.size(0) == supports.size(0),
                  "the same number of supports for each class, each with its box");
  const std::int64_t chunk = options_.support_chunk > 0 ? options_.support_chunk : supports.size(0);
  std::vector<at::Tensor> whole;
  std::vector<at::Tensor> regions;
  for (std::int64_t first = 0; first < supports.size(0); first += chunk) {
    const Features features = features_of(supports.slice(0, first, first + chunk));
    const Embeddings found =
        embedding_->forward(features.detail, features.levels, one_an_image(boxes.slice(0, first, first + chunk)));
    whole.push_back(found.whole);
    regions.push_back(found.regions);
  }
  const auto mean_of_class = [classes](const std::vector<at::Tensor>& parts) {
    return unit_length(at::cat(parts).unflatten(0, {classes, -1}).mean(1));
  };
  return {mean_of_class(whole), mean_of_class(regions)};
}

QueryAnswers FewShotDetector::forward(const at::Tensor& queries, const Prototypes& prototypes,
                                      const at::Tensor& extra_boxes) {
  const Features features = features_of(queries);
  QueryAnswers answers;
  answers.dense = proposals_->forward(features.levels);
  const Proposals best = best_proposals(answers.dense, queries.size(2), queries.size(3), options_.max_proposals);
  answers.proposals = best.boxes;
  answers.objectness = best.objectness;
  if (extra_boxes.defined()) {
    answers.proposals = at::cat({best.boxes, extra_boxes.detach().to(best.boxes.options())});
    answers.objectness = at::cat({best.objectness, at::ones({extra_boxes.size(0)}, best.objectness.options())});
  }
  const Embeddings found = embedding_->forward(features.detail, features.levels, answers.proposals);
  answers.matching = match(found, prototypes);
  answers.refined = refine(answers.proposals.slice(1, 1, 5), found, prototypes, answers.matching);
  return answers;
}

/// In float32 under autocast, too: logits are cosines times a large factor.
at::Tensor FewShotDetector::match(const Embeddings& found, const Prototypes& prototypes) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const at::Tensor background = unit_length(background_->weight).unsqueeze(0);                     // (1, 1 + R, E)
  const at::Tensor whole = at::cat({prototypes.whole, background.select(1, 0)});                   // (N + 1, E)
  const at::Tensor regions = at::cat({prototypes.regions, background.slice(1, 1, 1 + kRegions)});  // (N + 1, R, E)
  const std::int64_t boxes = found.whole.size(0);
  const std::int64_t classes = whole.size(0);
  const at::Tensor temperature = log_temperature_.clamp_max(std::log(kHottest)).exp();

  const at::Tensor of_whole = at::matmul(found.whole, whole.t());  // (P, N + 1)
  const at::Tensor of_pairs =
      at::matmul(found.regions.flatten(0, 1), regions.flatten(0, 1).t()).view({boxes, kRegions, classes, kRegions});
  const at::Tensor attention = (of_pairs * temperature + affinity_of_regions_.unsqueeze(1)).softmax(-1);
  const at::Tensor of_regions = (attention * of_pairs).sum(-1).mean(1);  // (P, N + 1)

  const at::Tensor share = share_of_regions_.sigmoid();
  const at::Tensor cosine = (1 - share) * of_whole + share * of_regions;
  const at::Tensor bias = at::cat({at::zeros({classes - 1}, background_bias_.options()), background_bias_});
  return (cosine + bias) * temperature;
}

at::Tensor FewShotDetector::refine(const at::Tensor& proposals, const Embeddings& found, const Prototypes& prototypes,
                                   const at::Tensor& matching) {
  const std::int64_t classes = prototypes.whole.size(0);
  const at::Tensor share = matching.slice(1, 0, classes).softmax(1);                                        // (P, N)
  const at::Tensor matched = at::matmul(share, prototypes.regions.flatten(1)).view(found.regions.sizes());  // (P, R, E)
  // Elements of a vector of length 1 are small: multiplied so that they are about 1.
  const auto width = static_cast<double>(options_.width);
  const at::Tensor pairs = at::cat({found.regions * std::sqrt(width), found.regions * matched * width}, 2);
  const at::Tensor moves = kFarthestMove * at::tanh(refinement_->forward(pairs).to(at::kFloat));  // (P, 4)
  const at::Tensor sides = proposals.slice(1, 2, 4) - proposals.slice(1, 0, 2);
  return proposals + moves * at::cat({sides, sides}, 1);
}

std::vector<QueryDetections> FewShotDetector::detect(const at::Tensor& queries, const Prototypes& prototypes,
                                                     const DetectOptions& options) {
  const at::NoGradGuard no_gradient;
  const QueryAnswers answers = forward(queries, prototypes);
  const std::int64_t classes = prototypes.whole.size(0);
  const at::Tensor boxes = nn::clip_boxes(answers.refined, queries.size(2), queries.size(3));
  const at::Tensor query = answers.proposals.select(1, 0).to(at::kLong);
  const at::Tensor scores = answers.matching.softmax(1).slice(1, 0, classes) * answers.objectness.unsqueeze(1);

  const at::Tensor sure = (scores >= options.score_threshold).nonzero();  // (n, 2): proposal, way
  const at::Tensor row = sure.select(1, 0);
  const at::Tensor way = sure.select(1, 1);
  const at::Tensor score = scores.index({row, way});
  const at::Tensor group = query.index_select(0, row) * classes + way;
  const at::Tensor kept = nn::nms_of_groups(boxes.index_select(0, row), score, group, options.nms_threshold);
  const at::Tensor query_of_kept = query.index_select(0, row.index_select(0, kept));

  std::vector<QueryDetections> detections;
  for (std::int64_t i = 0; i < queries.size(0); ++i) {
    const at::Tensor mine = kept.masked_select(query_of_kept == i).slice(0, 0, options.max_detections);
    detections.push_back(
        {boxes.index_select(0, row.index_select(0, mine)), score.index_select(0, mine), way.index_select(0, mine)});
  }
  return detections;
}

}  // namespace lockstep::models
