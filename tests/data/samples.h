#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/data/finish_batch.h"
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

/// Flips the rows of an image and changes its colours: (height, width, 3) uint8.
inline void finish_pixels(const SampleFinish& finish, std::size_t width, std::vector<std::byte>& image) {
  const std::span<std::uint8_t> pixels(reinterpret_cast<std::uint8_t*>(image.data()), image.size());
  change_colours(pixels, finish.colours);
  for (std::size_t row = 0; finish.flip && row < pixels.size(); row += 3 * width) {
    for (std::size_t left = 0, right = width - 1; left < right; ++left, --right) {
      std::swap_ranges(&pixels[row + 3 * left], &pixels[row + 3 * left + 3], &pixels[row + 3 * right]);
    }
  }
}

/// The image as a network would see it, but for the normalisation.
inline Sample load(const ImageMaskDataset& dataset, const Draw& draw) {
  Sample sample;
  sample.image.resize(dataset.layout()[0].bytes());
  sample.mask.resize(dataset.layout()[1].bytes(), std::byte{77});
  SampleFinish finish;
  dataset.load(draw, {{sample.image, sample.mask, std::as_writable_bytes(std::span(&finish, 1))}, &sample.ragged});
  finish_pixels(finish, static_cast<std::size_t>(dataset.layout()[0].shape[1]), sample.image);
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
