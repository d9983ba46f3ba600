#pragma once

#include <tiffio.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/base/files.h"
#include "lockstep/data/volume_folders.h"
#include "lockstep/data/volume_store.h"
#include "lockstep/media/tiff.h"
#include "tests/support/temp_folder.h"

namespace lockstep::test {

/// A value for each voxel of a volume.
template <typename Voxel>
std::vector<Voxel> voxels_by(const media::VolumeShape& shape,
                             const std::function<int(std::int64_t z, std::int64_t y, std::int64_t x)>& value) {
  std::vector<Voxel> voxels;
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    for (std::int64_t y = 0; y < shape.height; ++y) {
      for (std::int64_t x = 0; x < shape.width; ++x) {
        voxels.push_back(static_cast<Voxel>(value(z, y, x)));
      }
    }
  }
  return voxels;
}

/// 16-bit slices in deflated strips, as libtiff writes them.
inline void write_tiff16(const std::filesystem::path& path, std::vector<std::uint16_t> voxels,
                         const media::VolumeShape& shape) {
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  for (std::int64_t z = 0; z < shape.depth; ++z) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(shape.width));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(shape.height));
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 16);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(shape.height));
    if (TIFFWriteEncodedStrip(tiff, 0, voxels.data() + z * shape.slice_voxels(), 2 * shape.slice_voxels()) < 0) {
      throw std::runtime_error("cannot write " + path.string());
    }
    TIFFWriteDirectory(tiff);
  }
  TIFFClose(tiff);
}

/// A folder with train_images and train_labels that is filled volume by volume.
class VolumeFolder {
 public:
  explicit VolumeFolder(const std::string& split = "train") : split_(split) {
    make_directories(images());
    make_directories(labels());
  }

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path images() const { return folder_ / (split_ + "_images"); }
  std::filesystem::path labels() const { return folder_ / (split_ + "_labels"); }

  data::VolumePair add(const std::string& id, const media::VolumeShape& shape, const std::vector<std::uint8_t>& image,
                       const std::vector<std::uint8_t>& label,
                       media::TiffCompression compression = media::TiffCompression::kDeflate) const {
    const data::VolumePair pair{id, images() / (id + ".tif"), labels() / (id + ".tif")};
    media::write_tiff(pair.image, image, shape, compression);
    media::write_tiff(pair.label, label, shape, compression);
    return pair;
  }

 private:
  TempFolder folder_;
  std::string split_;
};

/// Every voxel of the slices that a store has.
inline std::vector<std::uint8_t> all_voxels(const data::Volume& volume) {
  std::vector<std::uint8_t> voxels(static_cast<std::size_t>(volume.shape().voxels()));
  volume.read({}, volume.shape(), std::uint8_t{0}, voxels);
  return voxels;
}

}  // namespace lockstep::test
