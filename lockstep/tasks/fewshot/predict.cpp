#include "lockstep/tasks/fewshot/predict.h"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lockstep/base/files.h"
#include "lockstep/data/episode_views.h"
#include "lockstep/data/source_image.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/encode.h"
#include "lockstep/media/resize.h"
#include "lockstep/tasks/fewshot/illustration.h"

namespace lockstep::tasks::fewshot {
namespace {

constexpr int kSheetCell = 224;
constexpr std::size_t kExampleCells = 3;
constexpr int kDrawingQuality = 90;

/// A square of bytes, and the box in it.
struct Crop {
  media::Image pixels;
  media::Box box;
};

/// The crops of all examples of a class.
std::vector<Crop> crops_of(const ShownClass& shown, int side) {
  std::vector<Crop> crops;
  data::SourceImage source;
  for (const data::BoxedImage& picture : shown.pictures) {
    source.open(picture.file);
    for (const data::ObjectBox& box : picture.boxes) {
      Crop crop{media::Image(side, side, 3), {}};
      crop.box = data::load_support(source, box, {}, side, crop.pixels.pixels);
      crops.push_back(std::move(crop));
    }
  }
  return crops;
}

/// A picture no larger than a cell of the contact sheet, so that many of them take little memory.
media::Image fitted_to_cell(const media::Image& image) {
  const int longer = std::max(image.width, image.height);
  const int width = std::max(1, image.width * kSheetCell / longer);
  const int height = std::max(1, image.height * kSheetCell / longer);
  media::Image small(width, height, image.channels);
  media::resize(image, {0, 0, image.width, image.height}, width, height, false, small.pixels);
  return small;
}

}  // namespace

void PictureSearch::prepare(DeviceBatch& batch) {
  at::Tensor& pictures = batch.fields[PictureSet::kPicture];
  pictures = normalised(pictures);
}

models::Prototypes PictureSearch::look_at(std::span<const ShownClass> classes, c10::Device device) {
  const auto side = static_cast<int>(options_.support_size);
  std::vector<models::Prototypes> prototypes;
  for (const ShownClass& shown : classes) {
    const std::vector<Crop> crops = crops_of(shown, side);
    std::vector<at::Tensor> pixels;
    std::vector<at::Tensor> boxes;
    for (const Crop& crop : crops) {
      pixels.push_back(at::tensor(crop.pixels.pixels, at::kByte).view({side, side, 3}));
      boxes.push_back(
          at::tensor({crop.box.x, crop.box.y, crop.box.x + crop.box.width, crop.box.y + crop.box.height}, at::kFloat));
    }
    const at::Tensor supports = normalised(at::stack(pixels).to(device));
    prototypes.push_back(detector().prototypes(supports, at::stack(boxes).to(device), 1));
  }
  return models::Prototypes::join(prototypes);
}

std::vector<metrics::Detection> PictureSearch::find(const DeviceBatch& batch, const PictureSet& set,
                                                    const models::Prototypes& prototypes, double score_threshold) {
  models::DetectOptions options;
  options.score_threshold = score_threshold;
  const auto answers = detector().detect(batch.fields[PictureSet::kPicture], prototypes, options);
  const auto* places = reinterpret_cast<const data::QueryPlace*>(batch.host.fields[PictureSet::kPlace].data());
  std::vector<metrics::Detection> found;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::uint64_t index = batch.host.draws[i].index;
    const media::ImageSize size = set.pictures()[index].size;
    const std::size_t first = found.size();
    add_detections(answers[i], static_cast<std::int64_t>(index), found);
    for (metrics::Detection& one : std::span(found).subspan(first)) {
      const media::Box box =
          data::to_original(places[i], set.side(), {one.x0, one.y0, one.x1 - one.x0, one.y1 - one.y0});
      one.x0 = std::clamp(box.x, 0.0, static_cast<double>(size.width));
      one.y0 = std::clamp(box.y, 0.0, static_cast<double>(size.height));
      one.x1 = std::clamp(box.x + box.width, 0.0, static_cast<double>(size.width));
      one.y1 = std::clamp(box.y + box.height, 0.0, static_cast<double>(size.height));
    }
  }
  // What lies on the grey beside the picture is nothing of it.
  std::erase_if(found, [](const metrics::Detection& one) { return one.x1 <= one.x0 || one.y1 <= one.y0; });
  return found;
}

FoundWriter::FoundWriter(std::filesystem::path folder, std::vector<ShownClass> classes, double drawn_score)
    : folder_(std::move(folder)), classes_(std::move(classes)), drawn_score_(drawn_score) {
  make_directories(folder_ / "drawn");
  data::SourceImage source;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const data::BoxedImage& picture = classes_[i].pictures.front();
    media::Image example(kSheetCell, kSheetCell, 3);
    source.open(picture.file);
    const media::Box box = data::load_support(source, picture.boxes.front(), {}, kSheetCell, example.pixels);
    const media::CaptionedBox frame{box, classes_[i].name, media::colour_of(i)};
    examples_.push_back(media::draw_boxes(example, {&frame, 1}));
  }
}

media::SheetRow FoundWriter::draw(const data::BoxedImage& picture, std::span<const metrics::Detection> found) const {
  const media::Image photo =
      media::decode_image(read_file(picture.file), media::ColorMode::kRgb, picture.file.string());
  std::vector<media::CaptionedBox> frames;
  std::vector<std::size_t> shown;  // classes, the surest first
  for (const metrics::Detection& one : found) {
    const auto number = static_cast<std::size_t>(one.category);
    if (one.score < drawn_score_) {
      continue;
    }
    frames.push_back(frame_of(one, classes_[number].name));
    if (std::ranges::find(shown, number) == shown.end()) {
      shown.push_back(number);
    }
  }
  std::ranges::reverse(frames);  // the surest on top
  const media::Image drawn = media::draw_boxes(photo, frames);
  write_file_atomically(folder_ / "drawn" / (picture.file.stem().string() + ".jpg"),
                        media::encode_jpeg(drawn, kDrawingQuality));
  media::SheetRow row{picture.file.filename().string(), {fitted_to_cell(photo), fitted_to_cell(drawn)}};
  shown.resize(std::min(shown.size(), kExampleCells));
  for (const std::size_t number : shown) {
    row.cells.push_back(examples_[number]);
  }
  row.cells.resize(2 + kExampleCells);
  return row;
}

void FoundWriter::write_predictions(std::span<const data::BoxedImage> pictures,
                                    std::span<const metrics::Detection> found) const {
  nlohmann::json results = nlohmann::json::array();
  for (const metrics::Detection& one : found) {
    results.push_back({{"image_id", pictures[static_cast<std::size_t>(one.image)].id},
                       {"category_id", one.category + 1},
                       {"bbox", {one.x0, one.y0, one.x1 - one.x0, one.y1 - one.y0}},
                       {"score", one.score}});
  }
  nlohmann::json images = nlohmann::json::array();
  for (const data::BoxedImage& picture : pictures) {
    images.push_back({{"id", picture.id},
                      {"file_name", picture.file.filename().string()},
                      {"width", picture.size.width},
                      {"height", picture.size.height}});
  }
  nlohmann::json categories = nlohmann::json::array();
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    categories.push_back({{"id", i + 1}, {"name", classes_[i].name}});
  }
  const nlohmann::json names = {
      {"images", images}, {"categories", categories}, {"annotations", nlohmann::json::array()}};
  write_file_atomically(predictions(), results.dump(1) + "\n");
  write_file_atomically(this->pictures(), names.dump(1) + "\n");
}

void FoundWriter::write_contact_sheet(const std::vector<media::SheetRow>& rows) const {
  std::vector<std::string> titles{"picture", "found"};
  titles.resize(2 + kExampleCells, "example");
  write_file_atomically(contact_sheet(), media::encode_png(media::contact_sheet(rows, titles, kSheetCell)));
}

}  // namespace lockstep::tasks::fewshot
