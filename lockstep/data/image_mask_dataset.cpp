#include "lockstep/data/image_mask_dataset.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <span>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/data/boxed_view.h"
#include "lockstep/data/finish_batch.h"
#include "lockstep/data/kept_size.h"
#include "lockstep/data/proportion.h"
#include "lockstep/data/source_image.h"
#include "lockstep/media/jpeg.h"
#include "lockstep/media/resize.h"

namespace lockstep::data {
namespace {

/// To be raised whenever the pixels that are kept of a file change: how it is decoded, turned or scaled.
constexpr int kPixelArithmetic = 2;

/// A number with all its digits.
std::string exact(double number) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr};
}

/// The two files of a sample, and memory that is used from sample to sample.
struct SourcePair {
  SourceImage image;
  SourceImage mask;
  bool has_mask = false;
  media::Image kept_image;
  media::Image kept_mask;
};

/// The image has been turned upright. Was the mask drawn on it as it is stored?
bool is_of_stored_image(media::ImageSize mask, const SourceImage& image) {
  if (mask == image.size() || mask == image.stored_size()) {
    return mask != image.size();
  }
  return !agree_in_proportion(mask, image.size()) && agree_in_proportion(mask, image.stored_size());
}

void open_pair(const ImageMaskPair& pair, SourcePair& source) {
  source.image.open(pair.image);
  source.has_mask = !pair.mask.empty();
  if (!source.has_mask) {
    return;
  }
  source.mask.open(pair.mask);
  const media::ImageSize mask = source.mask.size();
  if (is_of_stored_image(mask, source.image)) {
    source.image.leave_as_stored();
  }
  const media::ImageSize size = source.image.size();
  if (!agree_in_proportion(mask, size)) {
    throw DataError(text("mask ", pair.mask.string(), " is ", mask.width, "x", mask.height, " pixels, but its image ",
                         pair.image.string(), " is ", size.width, "x", size.height),
                    "give the mask that was drawn on this image, at the image's size, or leave both files out");
  }
}

SourcePair& source_of_this_thread() {
  thread_local SourcePair source;
  return source;
}

RaggedArray copy_of(const media::ImageView& mask) {
  RaggedArray array{DType::kUInt8, {mask.height, mask.width}, {}};
  const auto bytes = std::as_bytes(std::span(mask.pixels, mask.row_stride * static_cast<std::size_t>(mask.height)));
  array.bytes.assign(bytes.begin(), bytes.end());
  return array;
}

RaggedArray black_mask(media::ImageSize size) {
  RaggedArray array{DType::kUInt8, {size.height, size.width}, {}};
  array.bytes.resize(static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height));
  return array;
}

/// The box of a view at a new size, in memory that is used again.
media::ImageView scale_to(const BoxedView& source, media::ImageSize size, media::Image& memory) {
  reshape(memory, size, source.pixels.channels == 1 ? 1 : 3);
  media::resize(source.pixels, source.box, size.width, size.height, false, memory.pixels);
  return view_of(memory);
}

/// A mask is kept at the size of its image, unless it is smaller: it is not enlarged before it is cut.
media::ImageSize kept_mask_size(media::ImageSize mask, media::ImageSize kept_image) {
  const bool is_smaller = mask.width < kept_image.width || mask.height < kept_image.height;
  return is_smaller ? mask : kept_image;
}

media::Box box_of(const media::Rect& rect) {
  return {static_cast<double>(rect.x), static_cast<double>(rect.y), static_cast<double>(rect.width),
          static_cast<double>(rect.height)};
}

}  // namespace

/// What the augmentation has cut out of a sample.
struct ImageMaskDataset::Crop {
  BoxedView image;
  BoxedView mask;                  ///< without pixels: nothing is marked
  media::ImageView original_mask;  ///< without pixels: all of it is black
  media::ImageSize picture;        ///< the size of the whole
};

media::Image read_mask(const std::filesystem::path& path) {
  SourceImage source;
  source.open(path);
  const media::ImageView mask = source.decode_mask(whole_box(source.size())).pixels;
  media::Image copy(mask.width, mask.height, 1);
  std::copy_n(mask.pixels, copy.pixels.size(), copy.pixels.begin());
  return copy;
}

void ImageMaskOptions::validate() const {
  if (image_size < 1) {
    throw UsageError(text("--img-size is ", image_size), "give a number of pixels, such as 352");
  }
  augmentation.validate();
}

ImageMaskDataset::ImageMaskDataset(std::vector<ImageMaskPair> pairs, const ImageMaskOptions& options,
                                   PixelStorage* storage)
    : pairs_(std::move(pairs)),
      options_(options),
      layout_{{"image", DType::kUInt8, {options.image_size, options.image_size, 3}},
              {"mask", DType::kUInt8, {options.image_size, options.image_size}},
              {"finish", DType::kUInt8, {sizeof(SampleFinish)}}},
      storage_(storage) {
  options_.validate();
  if (storage_ != nullptr) {
    cache_ = storage_->open(pairs_, recipe());
  }
}

ImageMaskDataset::~ImageMaskDataset() {
  if (cache_ != nullptr && cache_->counts().seen > 0) {
    tell_what_is_kept();
  }
}

AugmentationPlan ImageMaskDataset::plan_of(const Draw& draw, media::ImageSize size) const {
  if (!options_.augment) {
    return {.crop = {0, 0, size.width, size.height}};
  }
  RandomStream random = draw.augmentation();
  return plan_augmentation(options_.augmentation, size, random);
}

/// What decides the kept pixels beside the files. Those of other folders go into a cache of their own.
std::string ImageMaskDataset::recipe() const {
  const AugmentationOptions& crop = options_.augmentation;
  const std::filesystem::path first = pairs_.empty() ? "" : std::filesystem::absolute(pairs_[0].image);
  const std::string folder = first.lexically_normal().parent_path().string();
  std::string recipe = text("lockstep ", LOCKSTEP_VERSION, ", arithmetic ", kPixelArithmetic, ", libjpeg ",
                            media::jpeg_library_version(), ", side ", options_.image_size);
  if (options_.augment) {
    recipe += text(", crops of ", exact(crop.min_scale), ", ", exact(crop.min_ratio), " to ", exact(crop.max_ratio));
  }
  return recipe + (options_.keep_original_mask ? ", original masks" : "") + ", of " + folder;
}

void ImageMaskDataset::load(const Draw& draw, const SampleSlot& slot) const {
  if (cache_ == nullptr) {
    load_from_files(draw, slot);
    return;
  }
  first_epoch_.begin_sample(draw.epoch);
  try {
    load_from_cache(draw, slot);
  } catch (...) {
    end_cached_sample(draw);
    throw;
  }
  end_cached_sample(draw);
}

void ImageMaskDataset::end_cached_sample(const Draw& draw) const {
  if (first_epoch_.end_sample(draw.epoch) || cache_->has_seen_all()) {
    tell_what_is_kept();
  }
}

void ImageMaskDataset::tell_what_is_kept() const {
  if (!has_told_.load(std::memory_order_relaxed) && !has_told_.exchange(true, std::memory_order_relaxed)) {
    log::info(summarise_cache(cache_->counts(), *storage_));
  }
}

void ImageMaskDataset::load_from_files(const Draw& draw, const SampleSlot& slot) const {
  SourcePair& source = source_of_this_thread();
  open_pair(pairs_.at(draw.index), source);
  const media::ImageSize size = source.image.size();
  const AugmentationPlan plan = plan_of(draw, size);
  const media::ImageSize smallest = options_.augment ? smallest_crop(options_.augmentation, size) : size;
  const int eighths = source.image.is_reducible() ? quick_eighths(smallest, options_.image_size) : media::kFullSize;
  const media::Box box = box_of(plan.crop);
  Crop crop;
  crop.picture = size;
  crop.image = source.image.decode_colours(box, eighths, true);
  if (source.has_mask) {
    const media::ImageSize mask_size = source.mask.size();
    const media::Box mask_box = placed(box, size, whole_box(mask_size));
    if (options_.keep_original_mask) {
      crop.original_mask = source.mask.decode_mask(whole_box(mask_size)).pixels;
      crop.mask = cut(crop.original_mask, mask_box);
    } else {
      crop.mask = source.mask.decode_mask(mask_box);
    }
  }
  write(crop, plan, slot);
}

void ImageMaskDataset::load_from_cache(const Draw& draw, const SampleSlot& slot) const {
  const ImageMaskPair& pair = pairs_.at(draw.index);
  const KeptSample kept = cache_->get(draw.index, [this, &pair] { return decode_kept(pair); });
  const AugmentationPlan plan = plan_of(draw, kept.picture);
  const media::Box box = box_of(plan.crop);
  Crop crop;
  crop.picture = kept.picture;
  crop.image = cut(kept.image, placed(box, kept.picture, kept.box));
  if (kept.mask.width > 0) {
    crop.mask = cut(kept.mask, placed(box, kept.picture, whole_box(kept.mask.size())));
  }
  crop.original_mask = kept.original_mask;
  write(crop, plan, slot);
}

/// Decodes all of a sample to the size at which it is kept, whether or not there is room for it.
KeptSample ImageMaskDataset::decode_kept(const ImageMaskPair& pair) const {
  SourcePair& source = source_of_this_thread();
  open_pair(pair, source);
  const media::ImageSize size = source.image.size();
  const int side = options_.image_size;
  const bool is_reducible = source.image.is_reducible();
  const KeptPlan plan = options_.augment
                            ? plan_kept(size, smallest_crop(options_.augmentation, size), side, is_reducible)
                            : plan_kept_whole(size, side, is_reducible);
  KeptSample kept;
  kept.picture = size;
  const bool is_scaled = plan.size != media::reduced(size, plan.eighths);
  const BoxedView image = source.image.decode_colours(whole_box(size), plan.eighths, is_scaled);
  kept.image = is_scaled ? scale_to(image, plan.size, source.kept_image) : image.pixels;
  kept.box = is_scaled ? whole_box(plan.size) : image.box;
  if (source.has_mask) {
    const media::ImageSize mask_size = source.mask.size();
    const BoxedView mask = source.mask.decode_mask(whole_box(mask_size));
    const media::ImageSize kept_size = kept_mask_size(mask_size, plan.size);
    kept.mask = kept_size == mask_size ? mask.pixels : scale_to(mask, kept_size, source.kept_mask);
    if (options_.keep_original_mask) {
      kept.original_mask = mask.pixels;
    }
  }
  return kept;
}

void ImageMaskDataset::write(const Crop& crop, const AugmentationPlan& plan, const SampleSlot& slot) const {
  const int side = options_.image_size;
  const std::span<std::uint8_t> pixels = slot.field<std::uint8_t>(0);
  const std::span<std::uint8_t> mask = slot.field<std::uint8_t>(1);
  {
    const WorkScope work("resize");
    media::resize(crop.image.pixels, crop.image.box, side, side, /*flip_horizontally=*/false, pixels);
  }
  const SampleFinish finish{plan.colours, plan.flip};
  std::memcpy(slot.fields[2].data(), &finish, sizeof(finish));
  if (crop.mask.pixels.width > 0) {
    const WorkScope work("resize");
    media::resize(crop.mask.pixels, crop.mask.box, side, side, plan.flip, mask);
  } else {
    std::ranges::fill(mask, std::uint8_t{0});
  }
  if (options_.keep_original_mask) {
    slot.ragged->push_back(crop.original_mask.width > 0 ? copy_of(crop.original_mask) : black_mask(crop.picture));
  }
}

}  // namespace lockstep::data
