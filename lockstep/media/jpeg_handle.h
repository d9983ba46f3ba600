#pragma once

#include <cstddef>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <span>
#include <string>

#include "lockstep/media/escape.h"
#include "lockstep/media/image.h"

namespace lockstep::media {

/// One JPEG in libjpeg's hands. Each image gets its own, which costs some microseconds: libjpeg would keep the tables
/// of the image before, and decode a file that lacks its own with them.
///
/// Data that libjpeg would paint over (a premature end, a bad code) is an error.
class JpegHandle {
 public:
  /// `name` is what messages call the image. Both arguments must outlive the object.
  JpegHandle(std::span<const std::byte> bytes, const std::string& name);
  ~JpegHandle();
  JpegHandle(const JpegHandle&) = delete;
  JpegHandle& operator=(const JpegHandle&) = delete;

  /// The size of the stored picture. To be called first. Throws DataError.
  ImageSize read_header();

  /// Throws DataError where even the shortest code could not hold so many pixels in a file of this length.
  void check_length() const;

  /// Runs calls of libjpeg. Throws DataError where it gives up. For what the calls may do see Escape.
  template <typename Calls>
  void run(const Calls& calls) {
    if (!escape_.run(calls)) {
      fail(escape_.message);
    }
  }

  jpeg_decompress_struct& info() { return info_; }

 private:
  [[noreturn]] void fail(const std::string& detail) const;

  std::span<const std::byte> bytes_;
  const std::string& name_;
  Escape escape_;
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

}  // namespace lockstep::media
