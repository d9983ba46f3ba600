#include "lockstep/tasks/surface/submission.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/media/tiff.h"
#include "lockstep/media/zip.h"

namespace lockstep::tasks::surface {
namespace {

constexpr const char* kRemedy = "predict it anew";

std::string words_of(const media::VolumeShape& shape) {
  return text(shape.depth, " × ", shape.height, " × ", shape.width);
}

void check_prediction(const std::filesystem::path& file, const media::TiffVolume& image) {
  if (!std::filesystem::exists(file)) {
    throw DataError(text("'", file.string(), "' is missing"), kRemedy);
  }
  const media::TiffVolume prediction(file);
  if (prediction.type() != media::VoxelType::kUInt8) {
    throw DataError(text("'", file.string(), "' has voxels of 16 bits, and a submission of 8"), kRemedy);
  }
  if (prediction.shape() != image.shape()) {
    throw DataError(text("'", file.string(), "' has ", words_of(prediction.shape()), " voxels, '", image.name(), "' ",
                         words_of(image.shape())),
                    kRemedy);
  }
  std::vector<std::byte> slice(static_cast<std::size_t>(prediction.shape().slice_voxels()));
  for (std::int64_t z = 0; z < prediction.shape().depth; ++z) {
    prediction.read_slices(z, 1, slice);
    if (std::ranges::any_of(slice, [](std::byte value) { return value > std::byte{1}; })) {
      throw DataError(text("'", file.string(), "' has other values than 0 and 1 in slice ", z), kRemedy);
    }
  }
}

}  // namespace

std::filesystem::path prediction_of(const std::filesystem::path& folder, const std::string& id) {
  return folder / (id + ".tif");
}

void pack_submission(const std::filesystem::path& archive, const std::vector<data::VolumePair>& volumes,
                     const std::filesystem::path& predictions) {
  media::ZipWriter zip(archive);
  for (const data::VolumePair& volume : volumes) {
    const std::filesystem::path file = prediction_of(predictions, volume.id);
    check_prediction(file, media::TiffVolume(volume.image));
    zip.add_file(file.filename().string(), file, media::ZipMethod::kStore);
  }
  zip.commit();
}

}  // namespace lockstep::tasks::surface
