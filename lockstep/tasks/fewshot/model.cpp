#include "lockstep/tasks/fewshot/model.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>

#include "lockstep/base/error.h"
#include "lockstep/data/episode_dataset.h"
#include "lockstep/nn/finish_images.h"
#include "lockstep/nn/initialise.h"
#include "lockstep/nn/keyed_random.h"
#include "lockstep/tasks/fewshot/illustration.h"

namespace lockstep::tasks::fewshot {
namespace {

/// Tells the random numbers that move true boxes from those of the network's layers, which count from 0.
constexpr std::uint32_t kMovedBoxes = 1U << 23;
constexpr std::int64_t kMovesPerBox = 2;

/// Pictures of (batch, count, height, width, 3) with as many finishes, normalised.
at::Tensor finished(const at::Tensor& pictures, const at::Tensor& finish) {
  const at::Tensor flat = nn::finish_images(pictures.flatten(0, 1), finish.flatten(0, 1));
  return flat.unflatten(0, {pictures.size(0), pictures.size(1)});
}

/// The objects on the queries of an episode, (objects, 6) float32 as data::EpisodeDataset has them, on the host.
at::Tensor objects_of(const DeviceBatch& batch, std::int64_t episode) {
  const data::RaggedArray& objects = batch.host.ragged.at(static_cast<std::size_t>(episode)).at(0);
  at::Tensor copy = at::empty(objects.shape, at::kFloat);
  std::ranges::copy(objects.bytes, static_cast<std::byte*>(copy.mutable_data_ptr()));
  return copy;
}

std::vector<metrics::TrueBox> true_boxes(const at::Tensor& objects, std::size_t ways) {
  std::vector<metrics::TrueBox> boxes;
  const auto rows = objects.accessor<float, 2>();
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const int way = static_cast<int>(rows[row][5]);
    metrics::TrueBox box{.image = static_cast<std::int64_t>(rows[row][0]),
                         .category = way,
                         .x0 = rows[row][1],
                         .y0 = rows[row][2],
                         .x1 = rows[row][3],
                         .y1 = rows[row][4],
                         .is_crowd = way == data::kCrowd,
                         .is_ignored = way == data::kIgnoredObject};
    if (way >= 0) {
      boxes.push_back(box);
    } else if (box.is_crowd || box.is_ignored) {
      for (std::size_t each = 0; each < ways; ++each) {  // whatever class it is of
        box.category = static_cast<std::int64_t>(each);
        boxes.push_back(box);
      }
    }
  }
  return boxes;
}

}  // namespace

void add_detections(const models::QueryDetections& answers, std::int64_t picture,
                    std::vector<metrics::Detection>& found) {
  const at::Tensor boxes = answers.boxes.to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor scores = answers.scores.to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor ways = answers.ways.to(at::kCPU).contiguous();
  for (std::int64_t i = 0; i < boxes.size(0); ++i) {
    const float* edge = boxes.const_data_ptr<float>() + 4 * i;
    found.push_back({.image = picture,
                     .category = ways.const_data_ptr<std::int64_t>()[i],
                     .score = scores.const_data_ptr<float>()[i],
                     .x0 = edge[0],
                     .y0 = edge[1],
                     .x1 = edge[2],
                     .y1 = edge[3]});
  }
}

at::Tensor normalised(const at::Tensor& pictures) {
  const data::SampleFinish none;
  at::Tensor finish = at::empty({pictures.size(0), static_cast<std::int64_t>(sizeof none)}, at::kByte);
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    std::memcpy(finish[i].mutable_data_ptr(), &none, sizeof none);
  }
  return nn::finish_images(pictures, finish.to(pictures.device()));
}

FewShotModel::FewShotModel(const Options& options, std::vector<std::string> names, std::optional<std::uint64_t> seed)
    : network_(std::make_shared<models::FewShotDetector>(options.network)),
      loss_weights_(options.loss),
      names_(std::move(names)) {
  if (seed) {
    nn::initialise(*network_, *seed);
  }
}

std::vector<std::string> FewShotModel::backbone_stages() const {
  return {"backbone.stages.3.", "backbone.stages.2.", "backbone.stages.1.", "backbone.stages.0.", "backbone.stem."};
}

void FewShotModel::prepare(DeviceBatch& batch) {
  batch.fields[data::kSupportField] =
      finished(batch.fields[data::kSupportField], batch.fields[data::kSupportFinishField]);
  batch.fields[data::kQueryField] = finished(batch.fields[data::kQueryField], batch.fields[data::kQueryFinishField]);
}

models::Prototypes FewShotModel::prototypes_of(const DeviceBatch& batch, std::int64_t episode) {
  return network_->prototypes(batch.fields[data::kSupportField][episode], batch.fields[data::kSupportBoxField][episode],
                              batch.fields[data::kClassField].size(1));
}

at::Tensor FewShotModel::losses(const DeviceBatch& batch) {
  const auto& scope = nn::RandomScope::current(batch.host.size());
  std::vector<at::Tensor> losses;
  for (std::int64_t episode = 0; episode < static_cast<std::int64_t>(batch.host.size()); ++episode) {
    const at::Tensor queries = batch.fields[data::kQueryField][episode];
    const at::Tensor objects = objects_of(batch, episode);
    RandomStream random = scope.stream(Purpose::kSelection, static_cast<std::size_t>(episode), kMovedBoxes);
    const at::Tensor moved = jittered_boxes(objects, kMovesPerBox, random).to(queries.device());
    const models::QueryAnswers answers = network_->forward(queries, prototypes_of(batch, episode), moved);
    losses.push_back(episode_loss(answers, objects.to(queries.device()), loss_weights_));
  }
  return at::stack(losses).to(at::kFloat);  // (batch)
}

std::vector<models::QueryDetections> FewShotModel::detect(const DeviceBatch& batch, std::int64_t episode) {
  return network_->detect(batch.fields[data::kQueryField][episode], prototypes_of(batch, episode), {});
}

EpisodeResult FewShotModel::result_of(const DeviceBatch& batch, std::int64_t episode) {
  EpisodeResult result;
  const at::Tensor classes = batch.fields[data::kClassField][episode].cpu();
  for (std::int64_t way = 0; way < classes.size(0); ++way) {
    result.classes.push_back(static_cast<std::size_t>(classes[way].item<std::int64_t>()));
  }
  const std::vector<models::QueryDetections> answers = detect(batch, episode);
  for (std::size_t query = 0; query < answers.size(); ++query) {
    add_detections(answers[query], static_cast<std::int64_t>(query), result.found);
  }
  result.truth = true_boxes(objects_of(batch, episode), result.classes.size());
  return result;
}

std::vector<Record> FewShotModel::score(const DeviceBatch& batch) {
  std::vector<Record> records;
  for (std::int64_t episode = 0; episode < static_cast<std::int64_t>(batch.host.size()); ++episode) {
    records.push_back(to_record(result_of(batch, episode)));
  }
  return records;
}

std::vector<Example> FewShotModel::illustrate(const DeviceBatch& batch) {
  std::vector<Example> examples;
  for (std::int64_t episode = 0; episode < static_cast<std::int64_t>(batch.host.size()); ++episode) {
    const EpisodeResult result = result_of(batch, episode);
    examples.push_back({"", illustrate_episode(batch.host, static_cast<std::size_t>(episode), result, names_)});
  }
  return examples;
}

}  // namespace lockstep::tasks::fewshot
