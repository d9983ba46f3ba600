#include "lockstep/models/region_embedding.h"

#include "lockstep/base/error.h"
#include "lockstep/nn/boxes.h"
#include "lockstep/nn/roi_align.h"

namespace lockstep::models {
namespace {

constexpr std::int64_t kBins = 6;  // a side, a multiple of the regions
constexpr double kDetailStride = 4;
constexpr double kWidestAtFinest = 64;  // the side in pixels below which a box belongs to the finest level

/// The level that a box is cut out of, by its side. // (n) int64
at::Tensor level_of(const at::Tensor& boxes) {
  const at::Tensor side = nn::box_areas(boxes.slice(1, 1, 5)).sqrt();
  at::Tensor level = at::zeros({boxes.size(0)}, boxes.options().dtype(at::kLong));
  double limit = kWidestAtFinest;
  for (std::size_t above = 1; above < kPyramidStrides.size(); ++above, limit *= 2) {
    level = level + (side >= limit).to(at::kLong);
  }
  return level;
}

/// Each box out of its level. // (n, channels, kBins, kBins)
at::Tensor align_in_levels(const std::vector<at::Tensor>& levels, const at::Tensor& boxes) {
  const at::Tensor level = level_of(boxes);
  std::vector<at::Tensor> parts;
  std::vector<at::Tensor> rows;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    rows.push_back((level == static_cast<std::int64_t>(i)).nonzero().squeeze(1));
    parts.push_back(
        nn::roi_align(levels[i], boxes.index_select(0, rows.back()),
                      {.spatial_scale = 1.0 / static_cast<double>(kPyramidStrides[i]), .output_size = kBins}));
  }
  const at::Tensor place = at::cat(rows).argsort();  // where each box has come to lie
  return at::cat(parts).index({place});
}

}  // namespace

at::Tensor unit_length(const at::Tensor& vectors) { return vectors / vectors.square().sum(-1, true).add(1e-12).sqrt(); }

RegionEmbedding::RegionEmbedding(std::int64_t detail, std::int64_t width)
    : mix_(register_module("mix", std::make_shared<ConvNormGelu>(detail + width, width))),
      project_(register_module("project", torch::nn::Linear(width, width))) {}

Embeddings RegionEmbedding::forward(const at::Tensor& detail, const std::vector<at::Tensor>& levels,
                                    const at::Tensor& boxes) {
  LOCKSTEP_ASSERT(levels.size() == kPyramidStrides.size(), "one feature map a level");
  const at::Tensor fine = nn::roi_align(detail, boxes, {.spatial_scale = 1 / kDetailStride, .output_size = kBins});
  const at::Tensor mixed = mix_->forward(at::cat({fine, align_in_levels(levels, boxes)}, 1));
  const at::Tensor regions = at::avg_pool2d(mixed, kBins / kRegionsASide).flatten(2).transpose(1, 2);
  const at::Tensor projected = project_->forward(regions).to(at::kFloat);  // (n, regions, width)
  return {unit_length(projected.mean(1)), unit_length(projected)};
}

}  // namespace lockstep::models
