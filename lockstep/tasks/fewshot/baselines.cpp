#include "lockstep/tasks/fewshot/baselines.h"

#include <torch/torch.h>

#include "lockstep/data/episode_dataset.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/nms.h"
#include "lockstep/nn/roi_align.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr std::size_t kScale = 1;  ///< of the backbone's features
constexpr double kStrideOfScale = 8;

at::Tensor of_length_one(const at::Tensor& rows) { return rows / rows.norm(2, 1, true).clamp_min(1e-12); }

}  // namespace

RandomFeatures::RandomFeatures(const Options& options, std::vector<std::string> names, std::uint64_t seed)
    : FewShotModel(options, std::move(names), std::nullopt),
      random_(std::make_shared<models::EdgeNeXt>(models::edgenext_variant(options.network.backbone),
                                                 models::EdgeNeXtOptions(), layers_)) {
  nn::initialise(*random_, seed);
  random_->eval();
}

/// (boxes, numbers), each row of length 1.
at::Tensor RandomFeatures::features_of(const at::Tensor& images, const at::Tensor& boxes) {
  random_->to(images.device());
  const at::Tensor features = random_->forward(images).at(kScale);
  const nn::RoiAlignOptions cut{.spatial_scale = 1 / kStrideOfScale};
  return of_length_one(nn::roi_align(features, boxes, cut).flatten(1));
}

std::vector<models::QueryDetections> RandomFeatures::detect(const DeviceBatch& batch, std::int64_t episode) {
  const at::NoGradGuard no_gradient;
  const models::DetectOptions options;
  const at::Tensor supports = batch.fields[data::kSupportField][episode];
  const at::Tensor support_boxes = batch.fields[data::kSupportBoxField][episode];
  const at::Tensor queries = batch.fields[data::kQueryField][episode];
  const std::int64_t ways = batch.fields[data::kClassField].size(1);
  const models::QueryAnswers answers = detector().forward(queries, prototypes_of(batch, episode));

  const at::Tensor number = at::arange(supports.size(0), support_boxes.options()).unsqueeze(1);
  const at::Tensor shown = features_of(supports, at::cat({number, support_boxes}, 1));
  const at::Tensor classes = of_length_one(shown.unflatten(0, {ways, -1}).mean(1));            // (N, numbers)
  const at::Tensor cosine = at::matmul(features_of(queries, answers.proposals), classes.t());  // (P, N)
  const at::Tensor scores = cosine.clamp_min(0) * answers.objectness.unsqueeze(1);

  const at::Tensor boxes = answers.proposals.slice(1, 1, 5);
  std::vector<models::QueryDetections> detections;
  for (std::int64_t query = 0; query < queries.size(0); ++query) {
    const at::Tensor rows = (answers.proposals.select(1, 0) == query).nonzero().squeeze(1);
    const at::Tensor row = rows.repeat_interleave(ways);
    const at::Tensor way = at::arange(ways, rows.options()).repeat({rows.size(0)});
    const at::Tensor score = scores.index({row, way});
    const at::Tensor box = boxes.index_select(0, row);
    const at::Tensor kept =
        nn::nms_of_groups(box, score, way, options.nms_threshold).slice(0, 0, options.max_detections);
    detections.push_back({box.index_select(0, kept), score.index_select(0, kept), way.index_select(0, kept)});
  }
  return detections;
}

}  // namespace lockstep::tasks::fewshot
