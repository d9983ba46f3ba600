#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/data/image_mask_dataset.h"
#include "lockstep/media/encode.h"
#include "tests/support/photographs.h"
#include "tests/support/temp_folder.h"

namespace lockstep::data {

/// What a dataset writes into a slot.
struct Sample {
  std::vector<std::byte> image;
  std::vector<std::byte> mask;
  std::vector<RaggedArray> ragged;
};

inline Sample load(const ImageMaskDataset& dataset, const Draw& draw) {
  Sample sample;
  sample.image.resize(dataset.layout()[0].bytes());
  sample.mask.resize(dataset.layout()[1].bytes(), std::byte{77});
  dataset.load(draw, {{sample.image, sample.mask}, &sample.ragged});
  return sample;
}

/// The draw of a sample in an epoch whose order is that of the dataset.
inline Draw draw_of(std::uint64_t epoch, std::uint64_t index) {
  return {.seed = 1, .epoch = epoch, .position = index, .index = index};
}

/// So many photographs of that size with their masks, as JPEG and PNG.
inline std::vector<ImageMaskPair> write_photographs(const test::TempFolder& folder, int count, media::ImageSize size) {
  std::vector<ImageMaskPair> pairs;
  for (int number = 0; number < count; ++number) {
    const std::string name = "photo" + std::to_string(number);
    pairs.push_back({name, folder / (name + ".jpg"), folder / (name + ".png")});
    write_file_atomically(pairs.back().image, media::encode_jpeg(test::make_photograph(number, size), 90));
    write_file_atomically(pairs.back().mask, media::encode_png(test::make_mask(number, size)));
  }
  return pairs;
}

}  // namespace lockstep::data
