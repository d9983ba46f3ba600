#include "lockstep/tasks/fewshot/picture_set.h"

#include <cstring>
#include <utility>

#include "lockstep/data/episode_views.h"
#include "lockstep/data/source_image.h"

namespace lockstep::tasks::fewshot {

PictureSet::PictureSet(std::vector<data::BoxedImage> pictures, int side)
    : pictures_(std::move(pictures)),
      side_(side),
      layout_{{"query", data::DType::kUInt8, {side, side, 3}},
              {"query_place", data::DType::kFloat32, {sizeof(data::QueryPlace) / sizeof(float)}}} {}

void PictureSet::load(const data::Draw& draw, const data::SampleSlot& slot) const {
  thread_local data::SourceImage source;
  source.open(pictures_.at(draw.index).file);
  const media::ImageSize size = source.size();
  const data::QueryPlace place =
      data::load_query(source, {0, 0, size.width, size.height}, side_, slot.field<std::uint8_t>(kPicture));
  std::memcpy(slot.fields[kPlace].data(), &place, sizeof place);
}

}  // namespace lockstep::tasks::fewshot
