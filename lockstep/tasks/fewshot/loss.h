#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lockstep/base/random.h"
#include "lockstep/models/few_shot_detector.h"

namespace lockstep::tasks::fewshot {

/// How much the parts of the loss count.
struct LossWeights {
  double objectness = 1;
  double boxes = 1;
  double matching = 1;
  double refinement = 1;
};

/// The parts of an episode's loss, each a float32 scalar that is about 1 for an untrained network, and 0 where nothing
/// in the episode asks for it.
struct EpisodeLosses {
  at::Tensor objectness;  ///< focal loss of all places, divided by the number of those that are an object's middle
  at::Tensor boxes;       ///< 1 - generalised IoU of the boxes at those places
  at::Tensor matching;    ///< cross entropy of the proposals' classes; see matching_loss()
  at::Tensor refinement;  ///< 1 - generalised IoU of the refined boxes of proposals that show an object
};

/// Holds what the network said of an episode's queries against the true boxes, (m, 6) of query, x0, y0, x1, y1, way;
/// see targets.h. Values and gradients are finite for all finite logits.
EpisodeLosses episode_losses(const models::QueryAnswers& answers, const at::Tensor& boxes);

/// The weighted sum of the parts. // a float32 scalar
at::Tensor episode_loss(const models::QueryAnswers& answers, const at::Tensor& boxes, const LossWeights& weights);

/// The focal loss of logits, element by element, in float32: Lin et al., "Focal loss for dense object detection", ICCV
/// 2017, with gamma 2 and alpha 0.25. target: 0 or 1.
at::Tensor focal_loss(const at::Tensor& logits, const at::Tensor& target);

/// The cross entropy of (P, N + 1) logits with (P) classes, of which the last is the background and -1 counts nothing.
/// There is more background than objects: all of it together counts no more than three times as much as they do.
at::Tensor matching_loss(const at::Tensor& logits, const at::Tensor& way);

/// True boxes, (m, 6), each `copies` times with its sides moved by up to 15 % of its width or height: boxes to be
/// matched while the network's own proposals do not show any object yet. // (m * copies, 5) of query and box
at::Tensor jittered_boxes(const at::Tensor& boxes, std::int64_t copies, RandomStream& random);

}  // namespace lockstep::tasks::fewshot
