#include "lockstep/data/volume_home.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/data/file_handle.h"

namespace lockstep::data {
namespace {

class ResidentHome : public VolumeHome {
 public:
  explicit ResidentHome(SliceFile file)
      : file_(std::move(file)),
        voxels_(std::make_unique_for_overwrite<std::byte[]>(file_.slice_bytes() *
                                                            static_cast<std::size_t>(file_.file().shape().depth))) {}

  void with_slice(std::int64_t z, const SliceUse& use) const override { use(slice(z)); }

  void fill(std::int64_t first, std::int64_t count) override {
    file_.read(first, {slice(first), file_.slice_bytes() * static_cast<std::size_t>(count)});
  }

 private:
  std::byte* slice(std::int64_t z) const { return voxels_.get() + file_.slice_bytes() * static_cast<std::size_t>(z); }

  SliceFile file_;
  std::unique_ptr<std::byte[]> voxels_;
};

class MappedHome : public VolumeHome {
 public:
  MappedHome(FileMapping mapping, std::vector<std::uint64_t> offsets)
      : mapping_(std::move(mapping)), offsets_(std::move(offsets)) {}

  void with_slice(std::int64_t z, const SliceUse& use) const override {
    use(mapping_.bytes(offsets_[static_cast<std::size_t>(z)], 0).data());
  }

 private:
  FileMapping mapping_;
  std::vector<std::uint64_t> offsets_;
};

class CachedHome : public VolumeHome {
 public:
  CachedHome(SliceFile file, std::shared_ptr<SliceCache> cache, std::uint64_t first_number)
      : file_(std::move(file)), cache_(std::move(cache)), first_number_(first_number) {}

  void with_slice(std::int64_t z, const SliceUse& use) const override {
    cache_->with_slice(
        first_number_ + static_cast<std::uint64_t>(z), file_.slice_bytes(),
        [&](std::span<std::byte> voxels) { file_.read(z, voxels); }, use);
  }

 private:
  SliceFile file_;
  std::shared_ptr<SliceCache> cache_;
  std::uint64_t first_number_;
};

}  // namespace

bool SliceFile::is_raw() const {
  bool raw = type_ == file_.type();
  for (std::int64_t z = 0; raw && z < file_.shape().depth; ++z) {
    raw = file_.raw_offset(z).has_value();
  }
  return raw;
}

void SliceFile::read(std::int64_t first, std::span<std::byte> voxels) const {
  const auto count = static_cast<std::int64_t>(voxels.size() / slice_bytes());
  if (type_ == file_.type()) {
    file_.read_slices(first, count, voxels);
    return;
  }
  LOCKSTEP_ASSERT(type_ == media::VoxelType::kUInt8, "voxels are not widened here");
  std::vector<std::uint16_t> wide(static_cast<std::size_t>(file_.shape().slice_voxels()));
  for (std::int64_t i = 0; i < count; ++i) {
    file_.read_slices(first + i, 1, std::as_writable_bytes(std::span(wide)));
    std::ranges::transform(wide, voxels.begin() + static_cast<std::ptrdiff_t>(i * file_.shape().slice_voxels()),
                           [](std::uint16_t value) { return static_cast<std::byte>(std::min<unsigned>(value, 255)); });
  }
}

std::unique_ptr<VolumeHome> make_resident_home(SliceFile file) {
  return std::make_unique<ResidentHome>(std::move(file));
}

std::unique_ptr<VolumeHome> make_mapped_home(const SliceFile& file) {
  LOCKSTEP_ASSERT(file.is_raw(), "voxels that must be decoded are not mapped");
  const FileHandle handle(file.file().name(), O_RDONLY | O_CLOEXEC);
  FileMapping mapping(handle.descriptor(), handle.is_open() ? handle.size() : 0);
  std::vector<std::uint64_t> offsets;
  for (std::int64_t z = 0; z < file.file().shape().depth; ++z) {
    offsets.push_back(*file.file().raw_offset(z));
    if (offsets.back() + file.slice_bytes() > mapping.size()) {
      return nullptr;
    }
  }
  return std::make_unique<MappedHome>(std::move(mapping), std::move(offsets));
}

std::unique_ptr<VolumeHome> make_cached_home(SliceFile file, std::shared_ptr<SliceCache> cache,
                                             std::uint64_t first_number) {
  return std::make_unique<CachedHome>(std::move(file), std::move(cache), first_number);
}

}  // namespace lockstep::data
