#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <cmath>
#include <string>
#include <vector>

#include "lockstep/base/random.h"
#include "lockstep/media/image.h"

namespace lockstep::test {

/// The factors by which a component is sampled, relative to the largest ones.
struct Sampling {
  int horizontal = 1;
  int vertical = 1;
};

/// How a JPEG is coded.
struct JpegKind {
  std::string name{};
  std::vector<Sampling> sampling{{1, 1}, {1, 1}, {1, 1}};  ///< one a component: 1, 3 or 4 of them
  J_COLOR_SPACE stored = JCS_YCbCr;
  bool progressive = false;
  int scans = 0;  ///< of the progression, only the first so many (0: all), so that the rest is guessed by smoothing
  bool arithmetic = false;
  bool interleaved = true;
  int restart_rows = 0;
  int restart_units = 0;  ///< or a restart after so many units
  int quality = 85;
  bool own_codes = false;  ///< Huffman codes made for the picture
};

/// Waves with some noise.
inline media::Image make_waves(media::ImageSize size, int channels) {
  RandomStream random({31, Purpose::kSelection});
  media::Image image(size.width, size.height, channels);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const double wave = std::sin(0.1 * x * (1 + c) + 0.1 * y) * std::cos(0.13 * y - c);
        image.at(x, y)[c] = static_cast<std::uint8_t>(118 + 100 * wave + static_cast<double>(random.below(20)));
      }
    }
  }
  return image;
}

inline J_COLOR_SPACE colours_of(const media::Image& image) {
  return image.channels == 1 ? JCS_GRAYSCALE : image.channels == 3 ? JCS_RGB : JCS_CMYK;
}

/// Sets what the kind asks for; `scans` must live until compression ends.
inline void set_kind(jpeg_compress_struct& info, const JpegKind& kind, std::vector<jpeg_scan_info>& scans) {
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.stored);
  jpeg_set_quality(&info, kind.quality, TRUE);
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  info.restart_in_rows = kind.restart_rows;
  info.restart_interval = static_cast<unsigned>(kind.restart_units);
  info.optimize_coding = kind.own_codes ? TRUE : FALSE;
  for (std::size_t i = 0; i < kind.sampling.size(); ++i) {
    info.comp_info[i].h_samp_factor = kind.sampling[i].horizontal;
    info.comp_info[i].v_samp_factor = kind.sampling[i].vertical;
  }
  if (kind.progressive) {
    jpeg_simple_progression(&info);
    info.num_scans = kind.scans > 0 ? kind.scans : info.num_scans;
  } else if (!kind.interleaved) {
    for (int i = 0; i < info.num_components; ++i) {
      scans.push_back({1, {i, 0, 0, 0}, 0, 63, 0, 0});
    }
    info.scan_info = scans.data();
    info.num_scans = static_cast<int>(scans.size());
  }
}

/// The image as a JPEG of this kind. An error ends the program, as libjpeg does by default.
inline std::vector<std::byte> encode_as(const JpegKind& kind, const media::Image& image) {
  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;  // NOLINT(google-runtime-int): libjpeg's type
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = colours_of(image);
  std::vector<jpeg_scan_info> scans;
  set_kind(info, kind, scans);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* first = reinterpret_cast<const std::byte*>(memory);
  std::vector<std::byte> bytes(first, first + size);
  std::free(memory);
  return bytes;
}

}  // namespace lockstep::test
