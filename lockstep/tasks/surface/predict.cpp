#include "lockstep/tasks/surface/predict.h"

#include <torch/torch.h>

#include <algorithm>

#include "lockstep/base/probe.h"
#include "lockstep/data/patch_dataset.h"

namespace lockstep::tasks::surface {

SlidingWindow::Read windows_of(const data::StoredVolume& volume) {
  return [&volume](const models::Extent& origin, const at::Tensor& window) {
    const media::VolumeShape box{window.size(0), window.size(1), window.size(2)};
    std::vector<std::uint16_t> voxels(static_cast<std::size_t>(box.voxels()));
    volume.image.read(data::Place{origin[0], origin[1], origin[2]}, box, data::outside_of<std::uint16_t>(volume),
                      std::span(voxels));
    float* target = window.mutable_data_ptr<float>();
    const data::PatchFinish finish = volume.finish;
    std::ranges::transform(
        voxels, target, [&](std::uint16_t voxel) { return static_cast<float>(voxel) * finish.scale + finish.offset; });
  };
}

std::vector<std::uint8_t> predict_levels(SurfaceModel& model, at::Device device, const data::StoredVolume& volume,
                                         const WindowOptions& options, bool flips, const WindowShare& share) {
  const media::VolumeShape& shape = volume.image.shape();
  std::vector<std::uint8_t> levels(share.worker == 0 ? static_cast<std::size_t>(shape.voxels()) : 0);
  const auto look = [&](const at::Tensor& windows) {
    const ProbeScope probe("look at windows of a volume");  // each few of them are a sign of life
    return model.probabilities(windows, flips);
  };
  const auto take = [&](std::int64_t z, const at::Tensor& slices) {
    for (std::int64_t i = 0; i < slices.size(0); ++i) {  // one at a time: together they would take as much as the slab
      const at::Tensor bytes = (slices[i] * 255 + 0.5).to(at::kByte).to(at::kCPU).contiguous();
      std::copy_n(bytes.const_data_ptr<std::uint8_t>(), bytes.numel(), levels.begin() + (z + i) * shape.slice_voxels());
    }
  };
  const SlidingWindow windows({shape.depth, shape.height, shape.width}, options);
  windows.run(device, share, windows_of(volume), look, take);
  return levels;
}

}  // namespace lockstep::tasks::surface
