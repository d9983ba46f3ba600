#include "lockstep/nn/boxes.h"

#include <ATen/ATen.h>

namespace lockstep::nn {
namespace {

constexpr double kLeastArea = 1e-7;  // in square pixels; keeps quotients finite

at::Tensor side(const at::Tensor& boxes, std::int64_t index) { return boxes.select(-1, index); }

at::Tensor overlap_area(const at::Tensor& boxes, const at::Tensor& others) {
  const at::Tensor width = at::minimum(side(boxes, 2), side(others, 2)) - at::maximum(side(boxes, 0), side(others, 0));
  const at::Tensor height = at::minimum(side(boxes, 3), side(others, 3)) - at::maximum(side(boxes, 1), side(others, 1));
  return width.clamp_min(0) * height.clamp_min(0);
}

}  // namespace

at::Tensor box_areas(const at::Tensor& boxes) {
  return (side(boxes, 2) - side(boxes, 0)).clamp_min(0) * (side(boxes, 3) - side(boxes, 1)).clamp_min(0);
}

at::Tensor pairwise_iou(const at::Tensor& boxes, const at::Tensor& others) {
  const at::Tensor shared = overlap_area(boxes.unsqueeze(1), others.unsqueeze(0));  // (n, m)
  const at::Tensor joined = box_areas(boxes).unsqueeze(1) + box_areas(others).unsqueeze(0) - shared;
  return shared / joined.clamp_min(kLeastArea);
}

at::Tensor generalised_iou(const at::Tensor& boxes, const at::Tensor& others) {
  const at::Tensor shared = overlap_area(boxes, others);
  const at::Tensor joined = box_areas(boxes) + box_areas(others) - shared;
  const at::Tensor width = at::maximum(side(boxes, 2), side(others, 2)) - at::minimum(side(boxes, 0), side(others, 0));
  const at::Tensor height = at::maximum(side(boxes, 3), side(others, 3)) - at::minimum(side(boxes, 1), side(others, 1));
  const at::Tensor around = width.clamp_min(0) * height.clamp_min(0);
  return shared / joined.clamp_min(kLeastArea) - (around - joined) / around.clamp_min(kLeastArea);
}

at::Tensor clip_boxes(const at::Tensor& boxes, std::int64_t height, std::int64_t width) {
  const at::Tensor x = boxes.slice(-1, 0, 4, 2).clamp(0, width);
  const at::Tensor y = boxes.slice(-1, 1, 4, 2).clamp(0, height);
  return at::stack({x.select(-1, 0), y.select(-1, 0), x.select(-1, 1), y.select(-1, 1)}, -1);
}

at::Tensor encode_distances(const at::Tensor& places, const at::Tensor& boxes) {
  return at::cat({places - boxes.slice(-1, 0, 2), boxes.slice(-1, 2, 4) - places}, -1);
}

at::Tensor decode_distances(const at::Tensor& places, const at::Tensor& distances) {
  return at::cat({places - distances.slice(-1, 0, 2), places + distances.slice(-1, 2, 4)}, -1);
}

}  // namespace lockstep::nn
