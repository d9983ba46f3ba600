#include "lockstep/data/normalised_dataset.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/finish_batch.h"

namespace lockstep::data {

NormalisedDataset::NormalisedDataset(const Dataset& photographs) : photographs_(photographs) {
  const std::vector<Field>& fields = photographs.layout();
  LOCKSTEP_ASSERT(fields.size() == 3 && fields[0].shape.size() == 3 && fields[1].shape.size() == 2,
                  "this is no set of photographs with masks");
  const std::int64_t side = fields[1].shape[0];
  layout_ = {{"image", DType::kFloat32, {3, side, side}}, {"mask", DType::kFloat32, {1, side, side}}};
}

void NormalisedDataset::load(const Draw& draw, const SampleSlot& slot) const {
  // They keep their memory from sample to sample.
  thread_local std::vector<std::uint8_t> pixels;
  thread_local std::vector<std::uint8_t> levels;
  pixels.resize(slot.field<float>(0).size());
  levels.resize(slot.field<float>(1).size());
  SampleFinish finish;
  photographs_.load(draw, {{std::as_writable_bytes(std::span(pixels)), std::as_writable_bytes(std::span(levels)),
                            std::as_writable_bytes(std::span(&finish, 1))},
                           slot.ragged});
  const int side = static_cast<int>(layout_[1].shape[1]);
  {
    const WorkScope work("colour");
    finish_batch(pixels, std::span(&finish, 1), {1, side, side}, slot.field<float>(0));
  }
  const WorkScope work("copy");
  constexpr float kShare = 1.0F / 255.0F;
  std::ranges::transform(levels, slot.field<float>(1).begin(),
                         [](std::uint8_t level) { return static_cast<float>(level) * kShare; });
}

}  // namespace lockstep::data
