#include "lockstep/tasks/camouflage/score_folder.h"

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/resize.h"
#include "lockstep/metrics/saliency.h"
#include "lockstep/tasks/camouflage/folders.h"

namespace lockstep::tasks::camouflage {
namespace {

std::vector<double> score(const std::filesystem::path& prediction_path, const std::filesystem::path& mask_path) {
  const media::Image mask = data::read_mask(mask_path);
  media::Image prediction =
      media::decode_image(read_file(prediction_path), media::ColorMode::kGrey, prediction_path.string());
  if (prediction.size() != mask.size()) {
    media::Image scaled(mask.width, mask.height, 1);
    media::resize(prediction, {0, 0, prediction.width, prediction.height}, mask.width, mask.height, false,
                  scaled.pixels);
    prediction = std::move(scaled);
  }
  return metrics::saliency_record(prediction.pixels, mask.pixels, mask.width, mask.height);
}

}  // namespace

std::map<std::string, double> score_folder(const std::filesystem::path& predictions,
                                           const std::filesystem::path& masks) {
  std::map<std::string, std::filesystem::path> by_stem;
  for (const data::ImageMaskPair& found : find_images(predictions)) {
    by_stem[found.image.stem()] = found.image;
  }
  std::vector<std::vector<double>> records;
  for (const data::ImageMaskPair& mask : find_images(masks)) {
    const auto prediction = by_stem.find(mask.image.stem());
    if (prediction == by_stem.end()) {
      throw DataError(text("the mask '", mask.image.string(), "' has no prediction in '", predictions.string(), "'"),
                      "name each prediction as its mask, whatever its ending");
    }
    records.push_back(score(prediction->second, mask.image));
  }
  return metrics::summarise_saliency(records);
}

}  // namespace lockstep::tasks::camouflage
