#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/data/augmentation.h"
#include "lockstep/data/dataset.h"
#include "lockstep/media/image.h"

namespace lockstep::data {

/// A photograph and the mask that says where the object is.
struct ImageMaskPair {
  std::string name;
  std::filesystem::path image;
  std::filesystem::path mask;  ///< empty: no object is marked
};

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
/// object crosses a pixel.
class ImageMaskDataset : public Dataset {
 public:
  ImageMaskDataset(std::vector<ImageMaskPair> pairs, const ImageMaskOptions& options);

  std::size_t size() const override { return pairs_.size(); }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return pairs_.at(index).name; }

  /// Throws DataError naming the file: missing, unreadable, or a mask of another size than its image.
  void load(const Draw& draw, const SampleSlot& slot) const override;

 private:
  std::vector<ImageMaskPair> pairs_;
  ImageMaskOptions options_;
  std::vector<Field> layout_;
};

}  // namespace lockstep::data
