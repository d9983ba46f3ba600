#include "lockstep/tasks/camouflage/predict.h"

#include <algorithm>

#include "lockstep/base/files.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/resize.h"

namespace lockstep::tasks::camouflage {
namespace {

constexpr int kCellSize = 224;
constexpr int kJpegQuality = 90;

/// The image no larger than a cell of the contact sheet, so that many of them take little memory.
media::Image thumbnail(const media::Image& image) {
  const int longer = std::max(image.width, image.height);
  const int width = std::max(1, image.width * kCellSize / longer);
  const int height = std::max(1, image.height * kCellSize / longer);
  media::Image small(width, height, image.channels);
  media::resize(image, {0, 0, image.width, image.height}, width, height, false, small.pixels);
  return small;
}

}  // namespace

PredictionWriter::PredictionWriter(std::filesystem::path folder) : folder_(std::move(folder)) {
  make_directories(folder_ / "masks");
  make_directories(folder_ / "overlays");
}

media::SheetRow PredictionWriter::write(const std::filesystem::path& path, const at::Tensor& probability) const {
  const media::Image photo = media::decode_image(read_file(path), media::ColorMode::kRgb, path.string());
  const media::Image mask = to_mask(probability, photo.size());
  const media::Image overlay = media::overlay(photo, mask, kTint);
  const std::string stem = path.stem();
  write_file_atomically(folder_ / "masks" / (stem + ".png"), media::encode_png(mask));
  write_file_atomically(folder_ / "overlays" / (stem + ".jpg"), media::encode_jpeg(overlay, kJpegQuality));
  return {path.filename(), {thumbnail(photo), thumbnail(mask), thumbnail(overlay)}};
}

void PredictionWriter::write_contact_sheet(const std::vector<media::SheetRow>& rows) const {
  const std::vector<std::string> titles{"image", "prediction", "overlay"};
  write_file_atomically(contact_sheet(), media::encode_png(media::contact_sheet(rows, titles, kCellSize)));
}

}  // namespace lockstep::tasks::camouflage
