#include "lockstep/data/disk_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/byte_count.h"
#include "lockstep/data/disk_index.h"
#include "lockstep/data/file_handle.h"
#include "lockstep/data/file_mapping.h"
#include "lockstep/data/source_files.h"

namespace lockstep::data {
namespace {

constexpr std::uint64_t kAlignment = 64;

constexpr std::uint64_t aligned_offset(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

/// The name of the cache for a recipe. Where two recipes had the same one, each would begin the cache anew.
std::string name_of(const std::string& recipe) {
  char name[16];
  std::snprintf(name, sizeof name, "%08x", crc32_of(std::as_bytes(std::span(recipe))));
  return name;
}

class DiskCache : public PixelCache {
 public:
  DiskCache(DiskFolder& folder, std::span<const ImageMaskPair> pairs, const std::string& recipe);

 protected:
  const KeptSample* find(std::size_t sample, FileStamp& stamp) override;
  const KeptSample* keep(std::size_t sample, const FileStamp& stamp, const KeptSample& made) override;

 private:
  /// What the index says of a sample.
  struct Known {
    std::string mask;
    FileStamp stamp;
    KeptShape shape;
    std::uint64_t offset = 0;
    std::uint32_t checksum = 0;
  };

  [[noreturn]] void fail() const;
  void open_files();
  void put_in_order(const DiskFolder::Hold& hold);
  void begin_anew();
  bool is_mostly_waste() const;
  void follow();
  void read_records(std::span<const std::byte> records);
  std::optional<Known> take_known(const ImageMaskPair& pair);
  bool is_intact(const Known& known) const;
  std::optional<std::uint64_t> reserve(std::uint64_t bytes, std::uint64_t record_bytes);
  bool commit(const IndexRecord& record);
  const KeptSample* remember(const KeptShape& shape, std::uint64_t offset);

  DiskFolder& folder_;
  const std::span<const ImageMaskPair> pairs_;
  const std::string recipe_;
  const std::string name_;
  FileHandle lock_;                   ///< shared with all that use this cache
  std::atomic<bool> is_full_{false};  ///< nothing more is kept

  std::mutex mutex_;  ///< guards all that follows, but for the pixels themselves
  FileHandle index_;
  FileHandle pixels_;
  FileMapping mapping_;
  std::uint64_t index_end_ = 0;                   ///< as far as it was read or written
  std::uint64_t pixels_end_ = 0;                  ///< of what is recorded
  std::unordered_map<std::string, Known> known_;  ///< by the image's key
  std::deque<KeptSample> samples_;                ///< those in use
};

DiskCache::DiskCache(DiskFolder& folder, std::span<const ImageMaskPair> pairs, const std::string& recipe)
    : PixelCache(pairs.size()),
      folder_(folder),
      pairs_(pairs),
      recipe_(recipe),
      name_(name_of(recipe)),
      lock_(folder.file(name_, ".lock"), O_RDWR | O_CREAT) {
  const DiskFolder::Hold hold = folder_.hold();
  if (!hold.is_held() || !lock_.is_open()) {
    fail();
  }
  ::futimens(lock_.descriptor(), nullptr);  // was used now
  const LockOutcome alone = lock_.try_lock(LockKind::kAlone);
  open_files();
  if (alone == LockOutcome::kLocked) {
    put_in_order(hold);
  }
  // Nobody comes between the two locks: who wants one alone holds the folder.
  if (lock_.try_lock(LockKind::kShared) != LockOutcome::kLocked) {
    fail();
  }
  is_full_ = index_end_ == 0;  // others use files that this run cannot read
}

void DiskCache::fail() const {
  throw MachineError(text("cannot write to the folder of the cache, '", folder_.path().string(), "'"),
                     "free some disk space, or give another --cache-dir");
}

/// Where no other run uses the cache: drops what a run that was killed has not finished.
void DiskCache::put_in_order(const DiskFolder::Hold& hold) {
  if (index_end_ == 0 || is_mostly_waste() || !folder_.is_tolerated(hold, name_)) {
    begin_anew();
    return;
  }
  index_.resize(index_end_);
  if (pixels_.size() > pixels_end_) {
    pixels_.resize(pixels_end_);
  }
}

void DiskCache::begin_anew() {
  known_.clear();
  pixels_end_ = 0;
  std::error_code error;
  std::filesystem::remove(folder_.file(name_, ".index"), error);
  std::filesystem::remove(folder_.file(name_, ".pixels"), error);
  pixels_ = FileHandle(folder_.file(name_, ".pixels"), O_RDWR | O_CREAT | O_EXCL);
  const std::filesystem::path aside = folder_.file(name_, ".partial");
  index_ = FileHandle(aside, O_RDWR | O_CREAT | O_TRUNC);
  const std::vector<std::byte> header = encode_index_header(recipe_);
  index_end_ = header.size();
  const bool is_written = pixels_.is_open() && index_.is_open() && index_.write_at(0, header);
  std::filesystem::rename(aside, folder_.file(name_, ".index"), error);
  if (!is_written || error) {
    fail();
  }
  mapping_ = FileMapping(pixels_.descriptor(), folder_.limit());
}

/// Whether less than half of the pixels are of the files as they were last seen.
bool DiskCache::is_mostly_waste() const {
  constexpr std::uint64_t kWorthTheWork = std::uint64_t{64} << 20;
  std::uint64_t used = 0;
  for (const auto& [image, known] : known_) {
    used += kept_bytes(known.shape);
  }
  return pixels_end_ > kWorthTheWork && used < pixels_end_ / 2;
}

/// Opens the files that are there, and reads the index if it is of this recipe.
void DiskCache::open_files() {
  index_ = FileHandle(folder_.file(name_, ".index"), O_RDWR);
  pixels_ = FileHandle(folder_.file(name_, ".pixels"), O_RDWR);
  if (!index_.is_open() || !pixels_.is_open()) {
    return;
  }
  const std::vector<std::byte> bytes = index_.read_from(0);
  if (const auto header = match_index_header(bytes, recipe_)) {
    mapping_ = FileMapping(pixels_.descriptor(), std::max(folder_.limit(), pixels_.size()));
    index_end_ = *header;
    read_records(std::span(bytes).subspan(*header));
  }
}

/// Reads what others have added to the index.
void DiskCache::follow() {
  if (index_end_ > 0 && index_.size() > index_end_) {
    const std::vector<std::byte> bytes = index_.read_from(index_end_);
    read_records(bytes);
  }
}

void DiskCache::read_records(std::span<const std::byte> records) {
  index_end_ += read_index_records(records, [this](IndexRecord&& record) {
    pixels_end_ = std::max(pixels_end_, record.offset + kept_bytes(record.shape));
    known_[std::move(record.image)] = {std::move(record.mask), record.stamp, record.shape, record.offset,
                                       record.checksum};
  });
}

const KeptSample* DiskCache::find(std::size_t sample, FileStamp& stamp) {
  const ImageMaskPair& pair = pairs_[sample];
  stamp = stamp_of(pair);
  const std::optional<Known> known = take_known(pair);
  if (!known) {
    return nullptr;
  }
  if (known->stamp != stamp || known->mask != key_of(pair.mask) || !is_intact(*known)) {
    count_outdated();
    return nullptr;
  }
  return remember(known->shape, known->offset);
}

/// What is known of a sample; it is then forgotten, since it is found once or never.
std::optional<DiskCache::Known> DiskCache::take_known(const ImageMaskPair& pair) {
  const std::string key = key_of(pair.image);
  const std::lock_guard lock(mutex_);
  auto place = known_.find(key);
  if (place == known_.end()) {
    follow();
    place = known_.find(key);
  }
  if (place == known_.end()) {
    return std::nullopt;
  }
  return std::move(known_.extract(place).mapped());
}

bool DiskCache::is_intact(const Known& known) const {
  const std::uint64_t end = known.offset + kept_bytes(known.shape);
  // Pages beyond the end of the file cannot be read.
  return end <= pixels_.size() && end <= mapping_.size() &&
         crc32_of(mapping_.bytes(known.offset, kept_bytes(known.shape))) == known.checksum;
}

const KeptSample* DiskCache::remember(const KeptShape& shape, std::uint64_t offset) {
  const auto bytes = mapping_.bytes(offset, kept_bytes(shape));
  const std::lock_guard lock(mutex_);
  return &samples_.emplace_back(kept_at(shape, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
}

const KeptSample* DiskCache::keep(std::size_t sample, const FileStamp& stamp, const KeptSample& made) {
  if (is_full_.load(std::memory_order_relaxed)) {
    return nullptr;
  }
  thread_local std::vector<std::uint8_t> pixels;
  pixels.resize(kept_bytes(made.shape()));
  copy_kept(made, pixels);
  const auto bytes = std::as_bytes(std::span(pixels));
  IndexRecord record{
      key_of(pairs_[sample].image), key_of(pairs_[sample].mask), stamp, made.shape(), 0, crc32_of(bytes)};
  const auto offset = reserve(bytes.size(), encode_index_record(record).size());
  if (!offset) {
    return nullptr;
  }
  record.offset = *offset;
  if (!pixels_.write_at(*offset, bytes) || !commit(record)) {
    return nullptr;
  }
  return remember(record.shape, *offset);
}

/// A place for so many bytes of pixels; nothing where there is no room.
std::optional<std::uint64_t> DiskCache::reserve(std::uint64_t bytes, std::uint64_t record_bytes) {
  const std::lock_guard lock(mutex_);
  const DiskFolder::Hold hold = folder_.hold();
  // Behind what is recorded may lie what others are just writing.
  const std::uint64_t begin = aligned_offset(std::max(pixels_end_, pixels_.size()));
  const std::uint64_t end = begin + bytes;
  if (!hold.is_held() || end > mapping_.size() || !folder_.grow(hold, name_, pixels_, end, record_bytes)) {
    is_full_ = true;
    return std::nullopt;
  }
  return begin;
}

bool DiskCache::commit(const IndexRecord& record) {
  const std::vector<std::byte> bytes = encode_index_record(record);
  const std::lock_guard lock(mutex_);
  const DiskFolder::Hold hold = folder_.hold();
  follow();
  // Behind the last whole record can only be one that a run was killed over.
  if (!hold.is_held() || (index_.size() > index_end_ && !index_.resize(index_end_)) ||
      !index_.write_at(index_end_, bytes)) {
    is_full_ = true;
    return false;
  }
  index_end_ += bytes.size();
  return true;
}

}  // namespace

std::unique_ptr<PixelCache> DiskStorage::open(std::span<const ImageMaskPair> pairs, const std::string& recipe) {
  return std::make_unique<DiskCache>(folder_, pairs, recipe);
}

std::string DiskStorage::describe() const {
  return text(format_byte_count(folder_.used()), " of ", format_byte_count(folder_.limit()), ", ",
              folder_.path().string());
}

}  // namespace lockstep::data
