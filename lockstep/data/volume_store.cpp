#include "lockstep/data/volume_store.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/parallel_for.h"
#include "lockstep/base/text.h"
#include "lockstep/data/available_memory.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/data/slice_cache.h"
#include "lockstep/data/volume_home.h"

namespace lockstep::data {
namespace {

/// Slices that a thread reads at once: a file is opened and its header looked at for each time.
constexpr std::int64_t kSlicesAtOnce = 8;

std::string words_of(const media::VolumeShape& shape) { return text(shape.depth, "x", shape.height, "x", shape.width); }

/// "3 (1 voxels), 255 or more (1200 voxels)"; of many values the first ones.
std::string words_of_unknown(const IntensityHistogram& labels) {
  constexpr int kShown = 4;
  std::string words;
  int values = 0;
  for (std::size_t value = kIgnore + 1U; value < labels.counts().size(); ++value) {
    if (labels.counts()[value] > 0 && ++values <= kShown) {
      words += text(words.empty() ? "" : ", ", value, value == 255 ? " or more" : "", " (", labels.counts()[value],
                    " voxels)");
    }
  }
  return values > kShown ? text(words, " and ", values - kShown, " more") : words;
}

}  // namespace

/// What there is while a store is opened: files, and what has been counted in them.
class VolumeStore::Opening {
 public:
  Opening(VolumeStore& store, std::span<const VolumePair> pairs, const VolumeStoreOptions& options)
      : store_(store), pairs_(pairs), options_(options), volumes_(pairs.size()) {}

  void read_headers() {
    parallel_for(pairs_.size(), options_.threads, [this](std::size_t i) {
      const media::TiffVolume image(pairs_[i].image);
      volumes_[i].files.emplace_back(image, image.type());
      if (pairs_[i].label.empty()) {
        return;
      }
      const media::TiffVolume label(pairs_[i].label);
      if (label.shape() != image.shape()) {
        throw DataError(text("label ", label.name(), " is ", words_of(label.shape()), " voxels, but its volume ",
                             image.name(), " is ", words_of(image.shape())),
                        "give the label that was drawn on this volume, or remove both files");
      }
      volumes_[i].files.emplace_back(label, media::VoxelType::kUInt8);
    });
    for (const Counted& volume : volumes_) {
      for (const SliceFile& file : volume.files) {
        const std::uint64_t bytes = file.slice_bytes() * static_cast<std::uint64_t>(file.file().shape().depth);
        store_.bytes_ += bytes;
        store_.mapped_bytes_ += is_to_be_mapped(file) ? bytes : 0;
        largest_slice_ = std::max(largest_slice_, file.slice_bytes());
      }
    }
  }

  /// Decides where the volumes are to be.
  void make_homes() {
    if (store_.bytes_ - store_.mapped_bytes_ > store_.memory_limit_) {
      if (largest_slice_ > store_.memory_limit_) {
        throw UsageError(text("--volume-memory of ", format_byte_count(store_.memory_limit_),
                              " cannot hold a single slice of ", format_byte_count(largest_slice_)),
                         text("give it at least ", format_byte_count(64 * largest_slice_)));
      }
      store_.cache_ = std::make_shared<SliceCache>(store_.memory_limit_);
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      Counted& volume = volumes_[i];
      for (const SliceFile& file : volume.files) {
        volume.homes.push_back(nullptr);
        volume.built.push_back(build(file, volume.homes.back()));
      }
      auto stored = std::make_unique<StoredVolume>(
          StoredVolume{.id = pairs_[i].id, .image = std::move(volume.built[0]), .label = std::nullopt});
      if (volume.files.size() > 1) {
        stored->label.emplace(std::move(volume.built[1]));
        stored->index.emplace(stored->label->shape());
        volume.labels.emplace(media::VoxelType::kUInt8);
      }
      volume.intensities.emplace(stored->image.type());
      store_.volumes_.push_back(std::move(stored));
    }
  }

  /// Reads every slice of every file once.
  void scan() {
    struct Part {
      std::size_t volume;
      std::size_t file;
      std::int64_t first;
    };
    std::vector<Part> parts;
    for (std::size_t volume = 0; volume < volumes_.size(); ++volume) {
      for (std::size_t file = 0; file < volumes_[volume].files.size(); ++file) {
        for (std::int64_t z = 0; z < store_.volumes_[volume]->image.shape().depth; z += kSlicesAtOnce) {
          parts.push_back({volume, file, z});
        }
      }
    }
    parallel_for(parts.size(), options_.threads, [&](std::size_t i) {
      const auto& [volume, file, first] = parts[i];
      const std::int64_t depth = store_.volumes_[volume]->image.shape().depth;
      scan_slices(volume, file, first, std::min(first + kSlicesAtOnce, depth));
    });
  }

  /// Throws DataError for labels with unknown values.
  void finish() {
    std::size_t bad = 0;
    std::string first_bad;
    for (std::size_t i = 0; i < volumes_.size(); ++i) {
      StoredVolume& stored = *store_.volumes_[i];
      stored.intensities = statistics_of(*volumes_[i].intensities);
      stored.finish = normalisation_of(stored.intensities);
      if (!stored.label) {
        continue;
      }
      stored.index->finish();
      const std::string unknown = words_of_unknown(*volumes_[i].labels);
      if (!unknown.empty() && bad++ == 0) {
        first_bad = text("label ", stored.label->name(), " has unknown values: ", unknown);
      }
    }
    if (bad > 0) {
      throw DataError(text(first_bad, bad > 1 ? text("; so have ", bad - 1, " other label(s)") : ""),
                      "labels are 0 (background), 1 (surface) and 2 (ignore): write them anew with these values");
    }
  }

 private:
  struct Counted {
    std::vector<SliceFile> files;    ///< image, and label if there is one
    std::vector<VolumeHome*> homes;  ///< of them
    std::vector<Volume> built;
    std::optional<IntensityHistogram> intensities;
    std::optional<IntensityHistogram> labels;
    std::mutex mutex;  ///< guards the histograms
  };

  bool is_to_be_mapped(const SliceFile& file) const { return options_.map_files && file.is_raw(); }

  Volume build(const SliceFile& file, VolumeHome*& place) {
    std::unique_ptr<VolumeHome> home = is_to_be_mapped(file) ? make_mapped_home(file) : nullptr;
    if (home == nullptr && store_.cache_ != nullptr) {
      home = make_cached_home(file, store_.cache_, next_number_);
      next_number_ += static_cast<std::uint64_t>(file.file().shape().depth);
    } else if (home == nullptr) {
      home = make_resident_home(file);
    }
    place = home.get();
    return {file.file().name(), file.file().shape(), file.type(), std::move(home)};
  }

  void scan_slices(std::size_t number, std::size_t file, std::int64_t begin, std::int64_t end) {
    Counted& volume = volumes_[number];
    const media::VoxelType type = volume.files[file].type();
    const auto slice_voxels = static_cast<std::size_t>(volume.files[file].file().shape().slice_voxels());
    IntensityHistogram histogram(type);
    volume.homes[file]->fill(begin, end - begin);
    for (std::int64_t z = begin; z < end; ++z) {
      volume.homes[file]->with_slice(z, [&](const std::byte* slice) {
        if (type == media::VoxelType::kUInt16) {
          histogram.add(std::span(reinterpret_cast<const std::uint16_t*>(slice), slice_voxels));
          return;
        }
        const std::span voxels(reinterpret_cast<const std::uint8_t*>(slice), slice_voxels);
        histogram.add(voxels);
        if (file == 1) {
          store_.volumes_[number]->index->add_slice(z, voxels);
        }
      });
    }
    const std::lock_guard lock(volume.mutex);
    (file == 1 ? volume.labels : volume.intensities)->add(histogram);
  }

  VolumeStore& store_;
  std::span<const VolumePair> pairs_;
  const VolumeStoreOptions& options_;
  std::vector<Counted> volumes_;
  std::size_t largest_slice_ = 0;
  std::uint64_t next_number_ = 0;
};

void VolumeStoreOptions::validate() const {
  if (threads < 1) {
    throw UsageError(text(threads, " threads cannot read volumes"), "give 1 or more");
  }
}

VolumeStore::VolumeStore(std::span<const VolumePair> pairs, const VolumeStoreOptions& options)
    : memory_limit_(options.memory_limit ? *options.memory_limit : available_memory() / 2) {
  options.validate();
  Opening opening(*this, pairs, options);
  opening.read_headers();
  opening.make_homes();
  opening.scan();
  opening.finish();
}

VolumeStore::~VolumeStore() = default;

std::string VolumeStore::words() const {
  const std::string voxels = text(size(), size() == 1 ? " volume, " : " volumes, ", format_byte_count(bytes_));
  if (!is_resident()) {
    return text(voxels, ", read slice by slice with ", format_byte_count(memory_limit_), " of memory for them");
  }
  return text(voxels, mapped_bytes_ == bytes_ ? " in mapped files"
                      : mapped_bytes_ > 0
                          ? text(" in memory and ", format_byte_count(mapped_bytes_), " of them in mapped files")
                          : " in memory");
}

}  // namespace lockstep::data
