#pragma once

#include <ATen/core/Tensor.h>

namespace lockstep::nn {

/// Non-maximum suppression: goes through boxes in falling order of their scores (the earlier first where two are
/// equal), and drops those whose intersection over union with a box that was kept is above `threshold`. boxes: (n, 4)
/// of x0, y0, x1, y1, float32; scores: (n). Gives the indices of what is kept in that order, (kept) int64. The numbers
/// are those of torchvision.ops.nms, bit for bit, a box without area included.
at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double threshold);

/// The same where a box can drop those of its own group alone. groups: (n) int64, such as classes.
at::Tensor nms_of_groups(const at::Tensor& boxes, const at::Tensor& scores, const at::Tensor& groups, double threshold);

}  // namespace lockstep::nn
