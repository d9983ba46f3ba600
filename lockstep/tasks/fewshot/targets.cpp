#include "lockstep/tasks/fewshot/targets.h"

#include <ATen/ATen.h>

#include <limits>

#include "lockstep/base/error.h"
#include "lockstep/models/feature_pyramid.h"
#include "lockstep/nn/boxes.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kReach = 1;           // of an object's middle, in strides
constexpr double kFarthestSide = 8;    // in strides; half of it belongs to the level below
constexpr double kShows = 0.5;         // overlap from which a proposal shows an object
constexpr double kShowsNothing = 0.4;  // and below which it does not
constexpr double kMostOfIt = 0.5;      // of a proposal, in a box to be ignored

struct TrueBoxes {
  at::Tensor query;  ///< (m) int64
  at::Tensor box;    ///< (m, 4)
  at::Tensor way;    ///< (m) int64

  at::Tensor is_object() const { return way >= kOtherWay; }
};

TrueBoxes split(const at::Tensor& boxes) {
  LOCKSTEP_ASSERT(boxes.dim() == 2 && boxes.size(1) == 6, "true boxes are (m, 6): query, x0, y0, x1, y1, way");
  return {boxes.select(1, 0).to(at::kLong), boxes.slice(1, 1, 5).to(at::kFloat), boxes.select(1, 5).to(at::kLong)};
}

/// (m, places): whether the place can be the middle of the box.
at::Tensor can_be_middle(const at::Tensor& places, const at::Tensor& box) {
  const at::Tensor where = places.slice(1, 0, 2);
  const at::Tensor stride = places.select(1, 2);
  const at::Tensor sides = nn::encode_distances(where.unsqueeze(0), box.unsqueeze(1));  // (m, places, 4)
  const at::Tensor middle = (box.slice(1, 0, 2) + box.slice(1, 2, 4)) / 2;              // (m, 2)
  const at::Tensor off = (where.unsqueeze(0) - middle.unsqueeze(1)).abs().amax(2);      // (m, places)

  constexpr auto kFinest = models::kPyramidStrides.front();
  constexpr auto kCoarsest = models::kPyramidStrides.back();
  const at::Tensor least = at::where(stride == kFinest, at::zeros_like(stride), kFarthestSide / 2 * stride);
  const at::Tensor most = at::where(stride == kCoarsest, at::full_like(stride, kInfinite), kFarthestSide * stride);
  const at::Tensor farthest = sides.amax(2);
  return (sides.amin(2) > 0) & (off <= kReach * stride) & (farthest > least) & (farthest <= most);
}

}  // namespace

PlaceTargets targets_of_places(const at::Tensor& places, const at::Tensor& boxes, std::int64_t queries) {
  const auto options = boxes.options().dtype(at::kLong);
  if (boxes.size(0) == 0) {
    return {at::full({queries, places.size(0)}, -1, options),
            at::ones({queries, places.size(0)}, boxes.options().dtype(at::kBool))};
  }
  const TrueBoxes truth = split(boxes);
  const at::Tensor in_query = at::arange(queries, options).unsqueeze(1) == truth.query.unsqueeze(0);  // (queries, m)
  const at::Tensor candidate =
      can_be_middle(places, truth.box).unsqueeze(0) & (in_query & truth.is_object()).unsqueeze(2);
  const at::Tensor area = nn::box_areas(truth.box).view({1, -1, 1});
  const auto [smallest, row] = at::where(candidate, area, at::full_like(area, kInfinite)).min(1);

  const at::Tensor sides = nn::encode_distances(places.slice(1, 0, 2).unsqueeze(0), truth.box.unsqueeze(1));
  const at::Tensor inside = (sides.amin(2) > 0).unsqueeze(0);  // (1, m, places)
  const at::Tensor ignored = (inside & (in_query & ~truth.is_object()).unsqueeze(2)).any(1);
  const at::Tensor is_middle = smallest < kInfinite;
  return {at::where(is_middle, row, at::full_like(row, -1)), is_middle | ~ignored};
}

ProposalTargets targets_of_proposals(const at::Tensor& proposals, const at::Tensor& boxes, std::int64_t classes) {
  const auto options = boxes.options().dtype(at::kLong);
  const std::int64_t count = proposals.size(0);
  if (boxes.size(0) == 0) {
    return {at::full({count}, -1, options), at::full({count}, classes, options)};
  }
  const TrueBoxes truth = split(boxes);
  const at::Tensor found = proposals.slice(1, 1, 5);
  const at::Tensor same_query =
      proposals.select(1, 0).to(at::kLong).unsqueeze(1) == truth.query.unsqueeze(0);  // (P, m)
  const at::Tensor overlap = nn::pairwise_iou(found, truth.box);
  const auto [best, row] = (overlap * (same_query & truth.is_object())).max(1);

  // The shared area, out of the quotient by what both cover.
  const at::Tensor area = nn::box_areas(found).unsqueeze(1);
  const at::Tensor both = area + nn::box_areas(truth.box).unsqueeze(0);
  const at::Tensor covered = overlap / (1 + overlap) * both / area.clamp_min(1e-7);
  const at::Tensor in_ignored = (covered * (same_query & ~truth.is_object())).amax(1) >= kMostOfIt;

  const at::Tensor shows = best >= kShows;
  const at::Tensor background = at::full({count}, classes, options);
  const at::Tensor uncounted = at::full({count}, -1, options);
  const at::Tensor way_of_object = truth.way.index_select(0, row);
  const at::Tensor if_shown = at::where(way_of_object == kOtherWay, background, way_of_object);
  const at::Tensor if_not = at::where((best >= kShowsNothing) | in_ignored, uncounted, background);
  return {at::where(shows, row, uncounted), at::where(shows, if_shown, if_not)};
}

}  // namespace lockstep::tasks::fewshot
