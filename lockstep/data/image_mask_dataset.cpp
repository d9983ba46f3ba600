#include "lockstep/data/image_mask_dataset.h"

#include <algorithm>
#include <span>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/color.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/resize.h"

namespace lockstep::data {
namespace {

media::Image read_image(const std::filesystem::path& path, media::ColorMode mode) {
  thread_local std::vector<std::byte> file;  // keeps its memory from sample to sample
  read_file_into(path, file);
  return media::decode_image(file, mode, path.string());
}

media::Image read_photograph(const std::filesystem::path& path) {
  const WorkScope work("decode image");
  return read_image(path, media::ColorMode::kRgb);
}

/// The mask of a pair; a black one where the pair has none.
media::Image mask_of(const ImageMaskPair& pair, media::ImageSize size) {
  const WorkScope work("decode mask");
  if (pair.mask.empty()) {
    return media::Image(size.width, size.height, 1);
  }
  media::Image mask = read_mask(pair.mask);
  if (mask.size() != size) {
    throw DataError(text("mask ", pair.mask.string(), " is ", mask.width, "x", mask.height, " pixels, but its image ",
                         pair.image.string(), " is ", size.width, "x", size.height),
                    "give the mask that was drawn on this image, at the image's size, or leave both files out");
  }
  return mask;
}

RaggedArray original(const media::Image& mask) {
  RaggedArray array{DType::kUInt8, {mask.height, mask.width}, {}};
  const auto bytes = std::as_bytes(std::span(mask.pixels));
  array.bytes.assign(bytes.begin(), bytes.end());
  return array;
}

}  // namespace

media::Image read_mask(const std::filesystem::path& path) {
  media::Image mask = read_image(path, media::ColorMode::kGrey);
  // Some programs write 0 and 1 instead of 0 and 255.
  if (std::ranges::max(mask.pixels) == 1) {
    for (std::uint8_t& level : mask.pixels) {
      level *= 255;
    }
  }
  return mask;
}

void ImageMaskOptions::validate() const {
  if (image_size < 1) {
    throw UsageError(text("--img-size is ", image_size), "give a number of pixels, such as 352");
  }
  augmentation.validate();
}

ImageMaskDataset::ImageMaskDataset(std::vector<ImageMaskPair> pairs, const ImageMaskOptions& options)
    : pairs_(std::move(pairs)),
      options_(options),
      layout_{{"image", DType::kUInt8, {options.image_size, options.image_size, 3}},
              {"mask", DType::kUInt8, {options.image_size, options.image_size}}} {
  options_.validate();
}

void ImageMaskDataset::load(const Draw& draw, const SampleSlot& slot) const {
  const ImageMaskPair& pair = pairs_.at(draw.index);
  const WorkScope work("resize and colour");
  const media::Image image = read_photograph(pair.image);
  const media::Image mask = mask_of(pair, image.size());
  AugmentationPlan plan{.crop = {0, 0, image.width, image.height}};
  if (options_.augment) {
    RandomStream random = draw.augmentation();
    plan = plan_augmentation(options_.augmentation, image.size(), random);
  }
  const std::span<std::uint8_t> pixels = slot.field<std::uint8_t>(0);
  const int side = options_.image_size;
  media::resize(image, plan.crop, side, side, plan.flip, pixels);
  media::resize(mask, plan.crop, side, side, plan.flip, slot.field<std::uint8_t>(1));
  change_colours(pixels, plan.colours);
  if (options_.keep_original_mask) {
    slot.ragged->push_back(original(mask));
  }
}

}  // namespace lockstep::data
