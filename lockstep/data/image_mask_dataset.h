#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/data/augmentation.h"
#include "lockstep/data/dataset.h"
#include "lockstep/data/first_epoch.h"
#include "lockstep/data/image_mask_pair.h"
#include "lockstep/data/pixel_cache.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// Reads a mask as grey levels 0 … 255, also where its program has written 0 and 1. Throws DataError naming the file.
media::Image read_mask(const std::filesystem::path& path);

struct ImageMaskOptions {
  int image_size = 352;             ///< S: pictures become squares of S x S pixels
  bool augment = false;             ///< else the whole picture is scaled
  bool keep_original_mask = false;  ///< ragged[0]: the mask at its own size, (height, width) uint8
  AugmentationOptions augmentation{};

  void validate() const;
};

/// Photographs with masks. Fields: "image" (S, S, 3) uint8 and "mask" (S, S) uint8, 0 … 255, grey where the edge of the
/// object crosses a pixel. "finish", a SampleFinish as bytes: the flip and the changes of colour that the image, not
/// the mask, still has to get (see finish_batch).
///
/// Decoded is no more than the crop that the augmentation has drawn, large JPEGs at a part of their size, which depends
/// on that size and on the options alone. With a cache, what all crops can be cut from is decoded instead, kept, and
/// used from the first epoch on, so that the pixels do not depend on what the cache holds. How much of it is kept is
/// logged once: when all samples were seen, at the end of the first epoch, or at last when the dataset goes.
class ImageMaskDataset : public Dataset {
 public:
  /// `storage`, if given, keeps decoded pixels; it must outlive the dataset.
  ImageMaskDataset(std::vector<ImageMaskPair> pairs, const ImageMaskOptions& options, PixelStorage* storage = nullptr);
  ~ImageMaskDataset() override;

  const std::vector<ImageMaskPair>& pairs() const { return pairs_; }

  std::size_t size() const override { return pairs_.size(); }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return pairs_.at(index).name; }

  /// Throws DataError naming the file: missing, unreadable, or a mask of another shape than its image.
  void load(const Draw& draw, const SampleSlot& slot) const override;

 private:
  struct Crop;

  AugmentationPlan plan_of(const Draw& draw, media::ImageSize size) const;
  std::string recipe() const;
  void load_from_files(const Draw& draw, const SampleSlot& slot) const;
  void load_from_cache(const Draw& draw, const SampleSlot& slot) const;
  void end_cached_sample(const Draw& draw) const;
  void tell_what_is_kept() const;
  KeptSample decode_kept(const ImageMaskPair& pair) const;
  void write(const Crop& crop, const AugmentationPlan& plan, const SampleSlot& slot) const;

  std::vector<ImageMaskPair> pairs_;
  ImageMaskOptions options_;
  std::vector<Field> layout_;
  PixelStorage* storage_;              ///< null: no cache
  std::unique_ptr<PixelCache> cache_;  ///< there with the storage
  mutable FirstEpoch first_epoch_;
  mutable std::atomic<bool> has_told_{false};
};

}  // namespace lockstep::data
