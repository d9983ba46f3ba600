#include "lockstep/models/proposal_head.h"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/nms.h"

namespace lockstep::models {
namespace {

constexpr double kFirstObjectness = 0.02;  // objects are rare: else those of the background drown the first steps
constexpr double kFirstDistance = 1.5;     // in strides
constexpr double kFarthest = 5;            // the logarithm of the largest distance in strides, finite in half precision
constexpr double kOverlap = 0.7;           // of proposals
constexpr std::int64_t kCandidates = 5;    // places that are looked at, in multiples of the proposals

torch::nn::Conv2d predictor(std::int64_t width, std::int64_t outputs) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(width, outputs, 3).padding(1).bias(false));
}

/// (height * width, 3): x, y, stride
at::Tensor places_of(const at::Tensor& level, std::int64_t stride) {
  const auto options = at::TensorOptions(at::kFloat).device(level.device());
  const auto middles = [&](std::int64_t length) { return (at::arange(length, options) + 0.5) * stride; };
  const auto grid = at::meshgrid({middles(level.size(2)), middles(level.size(3))}, "ij");
  return at::stack({grid[1].flatten(), grid[0].flatten(), at::full({grid[0].numel()}, stride, options)}, 1);
}

/// (batch, channels, height, width) as (batch, height * width, channels) float32
at::Tensor rows_of(const at::Tensor& map) { return map.flatten(2).transpose(1, 2).to(at::kFloat); }

}  // namespace

ProposalHead::ProposalHead(std::int64_t width)
    : tower_(register_module("tower", std::make_shared<ConvNormGelu>(width, width))),
      objectness_(register_module("objectness", predictor(width, 1))),
      distances_(register_module("distances", predictor(width, 4))),
      objectness_bias_(register_parameter(
          "objectness_bias", at::full({1}, std::log(kFirstObjectness / (1 - kFirstObjectness)), at::kFloat))),
      distance_scale_(register_parameter("distance_scale", at::ones({std::ssize(kPyramidStrides)}))),
      distance_bias_(register_parameter("distance_bias", at::full({4}, std::log(kFirstDistance), at::kFloat))) {}

DenseAnswers ProposalHead::forward(const std::vector<at::Tensor>& levels) {
  LOCKSTEP_ASSERT(levels.size() == kPyramidStrides.size(), "one feature map a level");
  std::vector<at::Tensor> objectness;
  std::vector<at::Tensor> boxes;
  std::vector<at::Tensor> places;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const at::Tensor features = tower_->forward(levels[level]);
    const at::Tensor where = places_of(levels[level], kPyramidStrides[level]);
    const at::Tensor scale = distance_scale_[static_cast<std::int64_t>(level)];
    const at::Tensor logarithm = rows_of(distances_->forward(features)) * scale + distance_bias_;
    const at::Tensor distances = logarithm.clamp_max(kFarthest).exp() * static_cast<double>(kPyramidStrides[level]);
    objectness.push_back(rows_of(objectness_->forward(features)).squeeze(2) + objectness_bias_);
    boxes.push_back(nn::decode_distances(where.slice(1, 0, 2), distances));
    places.push_back(where);
  }
  return {at::cat(objectness, 1), at::cat(boxes, 1), at::cat(places, 0)};
}

Proposals best_proposals(const DenseAnswers& answers, std::int64_t height, std::int64_t width, std::int64_t count) {
  const at::NoGradGuard no_gradient;
  const std::int64_t images = answers.objectness.size(0);
  const std::int64_t candidates = std::min(kCandidates * count, answers.objectness.size(1));
  const auto [scores, chosen] = answers.objectness.topk(candidates, 1);  // (images, candidates)
  const at::Tensor boxes = answers.boxes.gather(1, chosen.unsqueeze(2).expand({images, candidates, 4}));
  const at::Tensor clipped = nn::clip_boxes(boxes, height, width).flatten(0, 1);
  const at::Tensor image = at::arange(images, chosen.options()).repeat_interleave(candidates);
  const at::Tensor kept = nn::nms_of_groups(clipped, scores.flatten(), image, kOverlap);
  const at::Tensor image_of_kept = image.index_select(0, kept);

  // The first `count` of each image: how many of the same image have come up to here.
  const at::Tensor same = image_of_kept.unsqueeze(1) == at::arange(images, chosen.options()).unsqueeze(0);
  const at::Tensor rank = same.to(at::kLong).cumsum(0).gather(1, image_of_kept.unsqueeze(1)).squeeze(1);
  const at::Tensor best = kept.masked_select(rank <= count);
  const at::Tensor image_of_best = image.index_select(0, best).unsqueeze(1).to(at::kFloat);
  return {at::cat({image_of_best, clipped.index_select(0, best)}, 1), scores.flatten().index_select(0, best).sigmoid()};
}

}  // namespace lockstep::models
