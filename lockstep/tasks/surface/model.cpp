#include "lockstep/tasks/surface/model.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/intensity.h"
#include "lockstep/data/patch_dataset.h"
#include "lockstep/media/draw.h"
#include "lockstep/media/encode.h"
#include "lockstep/nn/initialise.h"

namespace lockstep::tasks::surface {
namespace {

using data::PatchField;

constexpr media::Colour kSurfaceTint{255, 64, 32};

// A record: the volume of the store, and how many voxels are surface in both, in the answer, in the truth.
enum CountIndex : std::size_t { kVolume, kBoth, kAnswered, kTrue, kCounts };

/// The grey level of a normalised intensity; of a plane (height, width).
media::Image grey_plane(const at::Tensor& plane) {
  constexpr double kLevelsPerDeviation = 56;
  const at::Tensor levels = (plane * kLevelsPerDeviation + 128).clamp(0, 255).to(at::kCPU, at::kByte).contiguous();
  media::Image image(static_cast<int>(plane.size(1)), static_cast<int>(plane.size(0)), 1);
  std::copy_n(levels.const_data_ptr<std::uint8_t>(), image.pixels.size(), image.pixels.data());
  return image;
}

/// The same of probabilities.
media::Image mask_plane(const at::Tensor& plane) { return grey_plane((plane * 255 - 128) / 56); }

media::Image rgb(const media::Image& grey) {
  return media::overlay(grey, media::Image(grey.width, grey.height, 1), {});
}

}  // namespace

SurfaceModel::SurfaceModel(const Options& options, const models::Extent& patch, std::optional<std::uint64_t> seed)
    : network_(std::make_shared<models::ResidualUnet>(options.network(patch))), loss_weights_(options.loss) {
  if (seed) {
    nn::initialise(*network_, *seed);
  }
}

void SurfaceModel::prepare(DeviceBatch& batch) {
  static_assert(sizeof(data::PatchFinish) == 2 * sizeof(float), "a scale and an offset");
  const at::Tensor finish = batch.fields[data::kFinishField].view(at::kFloat);  // (batch, 2)
  const auto of_sample = [&](std::int64_t column) { return finish.select(1, column).view({-1, 1, 1, 1}); };
  at::Tensor& image = batch.fields[data::kImageField];
  image = (image.to(at::kFloat) * of_sample(0) + of_sample(1)).unsqueeze(1);
}

at::Tensor SurfaceModel::losses(const DeviceBatch& batch) {
  return volume_loss(network_->forward(batch.fields[data::kImageField]), batch.fields[data::kLabelField], loss_weights_,
                     batch.mean_extent);
}

at::Tensor SurfaceModel::look(const at::Tensor& volumes) {
  return network_->forward(volumes.unsqueeze(1)).logits.squeeze(1).to(at::kFloat).sigmoid();
}

at::Tensor SurfaceModel::probabilities(const at::Tensor& volumes, bool flips) {
  if (!flips) {
    return look(volumes);
  }
  constexpr int kMirrorImages = 8;
  at::Tensor sum = at::zeros_like(volumes);
  for (int image = 0; image < kMirrorImages; ++image) {
    std::vector<std::int64_t> axes;
    for (int axis = 0; axis < 3; ++axis) {
      if ((image >> axis & 1) != 0) {
        axes.push_back(axis + 1);
      }
    }
    sum += axes.empty() ? look(volumes) : look(volumes.flip(axes)).flip(axes);
  }
  return sum / kMirrorImages;
}

std::vector<Record> SurfaceModel::score(const DeviceBatch& batch) {
  const at::Tensor answer = look(batch.fields[data::kImageField].squeeze(1)) >= 0.5;
  const at::Tensor& labels = batch.fields[data::kLabelField];
  const at::Tensor truth = labels == data::kSurface;
  const auto count = [](const at::Tensor& voxels) { return voxels.sum({1, 2, 3}); };
  const at::Tensor volume = batch.fields[data::kPlaceField].select(1, 0);
  const at::Tensor columns =
      at::stack({volume, count(answer & truth), count(answer & (labels != data::kIgnore)), count(truth)}, 1)
          .to(at::kCPU, at::kDouble)
          .contiguous();  // (batch, kCounts)
  std::vector<Record> records;
  for (std::int64_t i = 0; i < columns.size(0); ++i) {
    const double* row = columns.const_data_ptr<double>() + i * static_cast<std::int64_t>(kCounts);
    records.emplace_back(row, row + kCounts);
  }
  return records;
}

std::vector<Example> SurfaceModel::illustrate(const DeviceBatch& batch) {
  constexpr int kCellSize = 192;
  const std::array<std::string, 3> axes{"across the depth", "across the height", "across the width"};
  const std::vector<std::string> titles{"image", "truth", "prediction"};
  const at::Tensor images = batch.fields[data::kImageField].squeeze(1);
  const at::Tensor predicted = look(images);
  const at::Tensor truth = (batch.fields[data::kLabelField] == data::kSurface).to(at::kFloat);
  std::vector<Example> examples;
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    std::vector<media::SheetRow> rows;
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      const auto middle = [&](const at::Tensor& volumes) {
        return volumes[i].select(axis, volumes.size(axis + 1) / 2);
      };
      const media::Image grey = grey_plane(middle(images));
      rows.push_back({axes[static_cast<std::size_t>(axis)],
                      {rgb(grey), media::overlay(grey, mask_plane(middle(truth)), kSurfaceTint),
                       media::overlay(grey, mask_plane(middle(predicted)), kSurfaceTint)}});
    }
    examples.push_back({"", media::encode_png(media::contact_sheet(rows, titles, kCellSize))});
  }
  return examples;
}

std::map<std::string, double> summarise_counts(std::span<const Record> records, const std::vector<std::string>& names) {
  std::map<std::size_t, std::array<double, kCounts>> volumes;
  for (const Record& record : records) {
    LOCKSTEP_ASSERT(record.size() == kCounts, "a record of a patch has four numbers");
    auto& counts = volumes[static_cast<std::size_t>(record[kVolume])];
    for (std::size_t i = kBoth; i < kCounts; ++i) {
      counts[i] += record[i];
    }
  }
  std::map<std::string, double> metrics;
  double sum = 0;
  for (const auto& [volume, counts] : volumes) {
    const double marked = counts[kAnswered] + counts[kTrue];
    const double dice = marked == 0 ? 1 : 2 * counts[kBoth] / marked;
    sum += dice;
    if (volumes.size() > 1) {
      metrics["dice " + names.at(volume)] = dice;
    }
  }
  metrics["dice"] = sum / static_cast<double>(volumes.size());
  return metrics;
}

}  // namespace lockstep::tasks::surface
