#include "lockstep/data/plane_batch.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/finish_batch.h"

namespace lockstep::data {
namespace {

template <typename T>
std::span<const T> values_of(const HostBuffer& field) {
  return {reinterpret_cast<const T*>(field.data()), field.size() / sizeof(T)};
}

}  // namespace

std::uint64_t PlaneBatch::bytes_per_sample(const std::vector<Field>& layout) {
  return sizeof(float) * (layout[0].bytes() + layout[1].bytes());
}

void PlaneBatch::finish(const Batch& batch) {
  LOCKSTEP_ASSERT(batch.fields.size() == 3 && batch.layout[1].shape.size() == 2,
                  "this is no batch of photographs with masks");
  const std::span images = values_of<std::uint8_t>(batch.fields[0]);
  const std::span levels = values_of<std::uint8_t>(batch.fields[1]);
  images_.resize(images.size());
  masks_.resize(levels.size());
  {
    const WorkScope work("colour");
    const auto side = static_cast<int>(batch.layout[1].shape[0]);
    finish_batch(images, values_of<SampleFinish>(batch.fields[2]), {static_cast<int>(batch.size()), side, side},
                 images_);
  }
  const WorkScope work("copy");
  constexpr float kShare = 1.0F / 255.0F;
  std::ranges::transform(levels, masks_.begin(), [](std::uint8_t level) { return static_cast<float>(level) * kShare; });
}

}  // namespace lockstep::data
