#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

// Which true box each answer of the network is held against. True boxes are (m, 6) float32: query, x0, y0, x1, y1, way,
// where the way is a class of the episode from 0 on, kOtherWay, or less for what is to be ignored.
namespace lockstep::tasks::fewshot {

/// An object of no class of the episode. Below it: what lies there is neither right nor wrong.
inline constexpr std::int64_t kOtherWay = -1;

/// The places of the proposal head; see models::DenseAnswers.
struct PlaceTargets {
  at::Tensor box;      ///< (queries, places) int64: row of the object that the place is the middle of, -1 for none
  at::Tensor counted;  ///< (queries, places) bool: false where only what is to be ignored lies
};

/// A place is the middle of an object if it lies in its box, no more than a stride from its middle along each axis, and
/// the farthest side is as far away as its level is there for: up to 64 pixels at stride 8, up to 128 at stride 16,
/// more at stride 32. Of several objects the smallest counts. places: (places, 3) of x, y, stride.
PlaceTargets targets_of_places(const at::Tensor& places, const at::Tensor& boxes, std::int64_t queries);

/// The boxes that are matched.
struct ProposalTargets {
  at::Tensor box;  ///< (P) int64: row of the object that the proposal overlaps with by half or more, -1 for none
  at::Tensor way;  ///< (P) int64: its class, `classes` for the background, -1 where the proposal does not count
};

/// A proposal shows the object that its intersection over union is highest with, if that is 0.5 or more; an object of
/// no class of the episode counts as background, and so does what overlaps by less than 0.4 with any object and does
/// not lie for the most part in a box to be ignored. proposals: (P, 5) of query and box.
ProposalTargets targets_of_proposals(const at::Tensor& proposals, const at::Tensor& boxes, std::int64_t classes);

}  // namespace lockstep::tasks::fewshot
