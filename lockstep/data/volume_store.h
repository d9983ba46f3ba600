#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/data/intensity.h"
#include "lockstep/data/label_index.h"
#include "lockstep/data/volume.h"
#include "lockstep/data/volume_folders.h"

namespace lockstep::data {

class SliceCache;

struct VolumeStoreOptions {
  std::optional<std::uint64_t> memory_limit{};  ///< bytes for decoded voxels; none: half of the available memory
  int threads = 1;                              ///< that read when the store is opened
  bool map_files = true;                        ///< raw ones; else they are read as all others

  void validate() const;
};

/// A volume with what is known of it.
struct StoredVolume {
  std::string id;
  Volume image;
  std::optional<Volume> label;  ///< uint8: kBackground, kSurface, kIgnore
  IntensityStatistics intensities{};
  PatchFinish finish{};               ///< from `intensities`
  std::optional<LabelIndex> index{};  ///< there with the label
};

/// The volumes of a run, one copy for all ranks. Where all of them fit into the memory limit they are read at once, by
/// several threads, slice by slice; else slices are decoded when they are wanted, and as many as fit are kept, those
/// that were wanted last. Raw files are mapped and need no memory of their own. Either way every file is read once at
/// the start, to see that it is whole, for the statistics of intensities and for the index of labels.
class VolumeStore {
 public:
  /// Throws DataError, naming the file, where one cannot be read, where a label has another shape than its image, and
  /// for labels with unknown values: which ones, and how many voxels. Throws UsageError where the memory limit is below
  /// the size of a slice.
  VolumeStore(std::span<const VolumePair> pairs, const VolumeStoreOptions& options);
  ~VolumeStore();
  VolumeStore(const VolumeStore&) = delete;
  VolumeStore& operator=(const VolumeStore&) = delete;

  std::size_t size() const { return volumes_.size(); }
  const StoredVolume& operator[](std::size_t volume) const { return *volumes_[volume]; }

  /// Bytes of all voxels, decoded, and of those that lie in mapped files instead of memory.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t mapped_bytes() const { return mapped_bytes_; }

  /// Whether all of them are in memory or mapped.
  bool is_resident() const { return cache_ == nullptr; }

  /// For the person who watches: "4 volumes, 40 MiB with labels, in memory".
  std::string words() const;

 private:
  class Opening;

  std::uint64_t bytes_ = 0;
  std::uint64_t mapped_bytes_ = 0;
  std::uint64_t memory_limit_ = 0;
  std::shared_ptr<SliceCache> cache_;  ///< null: not needed
  std::vector<std::unique_ptr<StoredVolume>> volumes_;
};

}  // namespace lockstep::data
