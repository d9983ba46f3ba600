#include "lockstep/tasks/fewshot/loss.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/tasks/fewshot/targets.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr double kShareOfObjects = 0.25;  // alpha of the focal loss
constexpr double kMostBackground = 3;     // times what the objects count
constexpr double kJitter = 0.15;          // of a box's side

at::Tensor at_least_one(const at::Tensor& count) { return count.to(at::kFloat).clamp_min(1); }

/// The mean of 1 - generalised IoU; 0, with a gradient of 0, of no boxes.
at::Tensor box_loss(const at::Tensor& found, const at::Tensor& truth) {
  return (1 - nn::generalised_iou(found, truth)).sum() / static_cast<double>(std::max<std::int64_t>(found.size(0), 1));
}

}  // namespace

at::Tensor focal_loss(const at::Tensor& logits, const at::Tensor& target) {
  const at::Tensor wide = logits.to(at::kFloat);
  const at::Tensor truth = target.to(at::kFloat);
  const at::Tensor entropy = at::binary_cross_entropy_with_logits(wide, truth, {}, {}, at::Reduction::None);
  const at::Tensor probability = wide.sigmoid();
  const at::Tensor missed = truth * (1 - probability) + (1 - truth) * probability;
  const at::Tensor alpha = truth * kShareOfObjects + (1 - truth) * (1 - kShareOfObjects);
  return alpha * missed.square() * entropy;
}

at::Tensor matching_loss(const at::Tensor& logits, const at::Tensor& way) {
  const std::int64_t background = logits.size(1) - 1;
  const at::Tensor likelihood = logits.to(at::kFloat).log_softmax(1);  // (P, N + 1)
  // Not gather: its backward on CUDA adds in an order that changes from run to run.
  const at::Tensor is_own = at::arange(background + 1, way.options()).unsqueeze(0) == way.unsqueeze(1);
  const at::Tensor entropy = -(likelihood * is_own).sum(1);
  const at::Tensor of_object = (way >= 0) & (way < background);
  const at::Tensor of_background = way == background;
  const at::Tensor objects = of_object.sum().to(at::kFloat);
  const at::Tensor rest = of_background.sum().to(at::kFloat);
  const at::Tensor rest_counts = at::minimum(rest, at_least_one(objects) * kMostBackground);
  const at::Tensor weight = of_object + of_background * (rest_counts / at_least_one(rest));
  return (weight * entropy).sum() / at_least_one(objects + rest_counts);
}

EpisodeLosses episode_losses(const models::QueryAnswers& answers, const at::Tensor& boxes) {
  const models::DenseAnswers& dense = answers.dense;
  const at::Tensor true_boxes = boxes.slice(1, 1, 5).to(at::kFloat);
  const PlaceTargets places = targets_of_places(dense.places, boxes, dense.objectness.size(0));
  const at::Tensor is_middle = places.box >= 0;
  const at::Tensor focal = focal_loss(dense.objectness, is_middle) * places.counted;

  const auto rows_where = [](const at::Tensor& condition) { return condition.nonzero().squeeze(1); };
  const at::Tensor middles = rows_where(is_middle.flatten());
  const at::Tensor box_of_middle = places.box.flatten().index_select(0, middles);

  const std::int64_t background = answers.matching.size(1) - 1;
  const ProposalTargets proposals = targets_of_proposals(answers.proposals, boxes, background);
  const at::Tensor shown = rows_where(proposals.box >= 0);
  const at::Tensor box_of_shown = proposals.box.index_select(0, shown);
  return {focal.sum() / at_least_one(is_middle.sum()),
          box_loss(dense.boxes.flatten(0, 1).index({middles}), true_boxes.index_select(0, box_of_middle)),
          matching_loss(answers.matching, proposals.way),
          box_loss(answers.refined.index({shown}), true_boxes.index_select(0, box_of_shown))};
}

at::Tensor episode_loss(const models::QueryAnswers& answers, const at::Tensor& boxes, const LossWeights& weights) {
  const EpisodeLosses losses = episode_losses(answers, boxes);
  return weights.objectness * losses.objectness + weights.boxes * losses.boxes + weights.matching * losses.matching +
         weights.refinement * losses.refinement;
}

at::Tensor jittered_boxes(const at::Tensor& boxes, std::int64_t copies, RandomStream& random) {
  const std::int64_t count = boxes.size(0) * copies;
  const at::Tensor draws = at::empty({count, 4}, at::kFloat);
  float* draw = draws.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < draws.numel(); ++i) {
    draw[i] = static_cast<float>(random.uniform(-kJitter, kJitter));
  }
  const at::Tensor rows = boxes.slice(1, 0, 5).to(at::kFloat).repeat({copies, 1});  // (m * copies, 5)
  const at::Tensor sides = rows.slice(1, 3, 5) - rows.slice(1, 1, 3);
  const at::Tensor moved = rows.slice(1, 1, 5) + draws.to(rows.device()) * at::cat({sides, sides}, 1);
  return at::cat({rows.slice(1, 0, 1), moved}, 1);
}

}  // namespace lockstep::tasks::fewshot
