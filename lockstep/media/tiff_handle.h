#pragma once

#include <tiffio.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>

#include "lockstep/base/files.h"

namespace lockstep::media {

/// What libtiff reads from or writes to, and what it said when it failed. Used by one thread, and by one handle at a
/// time.
class TiffBytes {
 public:
  virtual ~TiffBytes() = default;

  virtual std::uint64_t size() const = 0;

  /// As much as there is from that offset on.
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> target) = 0;

  /// Read-only ones take nothing, which libtiff then reports.
  virtual std::size_t write(std::uint64_t /*offset*/, std::span<const std::byte> /*source*/) { return 0; }

  std::uint64_t place = 0;       ///< where libtiff is
  std::string message;           ///< the first one since it was cleared
  std::exception_ptr exception;  ///< what read or write threw, which must not pass through libtiff
};

class TiffFileBytes : public TiffBytes {
 public:
  explicit TiffFileBytes(const std::filesystem::path& path) : file_(path) {}

  std::uint64_t size() const override { return file_.size(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> target) override { return file_.read_at(offset, target); }

 private:
  InputFile file_;
};

class TiffMemoryBytes : public TiffBytes {
 public:
  explicit TiffMemoryBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t size() const override { return bytes_.size(); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> target) override;

 private:
  std::span<const std::byte> bytes_;
};

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffHandle = std::unique_ptr<TIFF, TiffCloser>;

/// Null where libtiff cannot open it. `mode` as for TIFFOpen. Nothing is printed; warnings, which are about tags that
/// nobody here looks at, go nowhere. The bytes must outlive the handle.
TiffHandle open_tiff(TiffBytes& bytes, const char* mode);

}  // namespace lockstep::media
