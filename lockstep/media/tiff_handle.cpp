#include "lockstep/media/tiff_handle.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <new>

#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

TiffBytes& bytes_of(thandle_t handle) { return *static_cast<TiffBytes*>(handle); }

/// Reads or writes, and moves on; what is thrown is kept, and counts as nothing done.
template <typename Transfer>
tmsize_t advance(TiffBytes& bytes, const Transfer& transfer) {
  try {
    const std::size_t count = transfer();
    bytes.place += count;
    return static_cast<tmsize_t>(count);
  } catch (...) {
    bytes.exception = std::current_exception();
    return 0;
  }
}

tmsize_t on_read(thandle_t handle, void* target, tmsize_t count) {
  TiffBytes& bytes = bytes_of(handle);
  return advance(bytes, [&] {
    return bytes.read(bytes.place, {static_cast<std::byte*>(target), static_cast<std::size_t>(count)});
  });
}

tmsize_t on_write(thandle_t handle, void* source, tmsize_t count) {
  TiffBytes& bytes = bytes_of(handle);
  return advance(bytes, [&] {
    return bytes.write(bytes.place, {static_cast<const std::byte*>(source), static_cast<std::size_t>(count)});
  });
}

toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  TiffBytes& bytes = bytes_of(handle);
  const std::uint64_t from = whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? bytes.place : bytes.size());
  bytes.place = from + offset;
  return bytes.place;
}

int on_close(thandle_t) { return 0; }

toff_t on_size(thandle_t handle) { return bytes_of(handle).size(); }

// Files are read, not mapped: what is mapped counts as memory of the process, and is lost when a file is cut.
int on_map(thandle_t, void**, toff_t*) { return 0; }

void on_unmap(thandle_t, void*, toff_t) {}

constexpr int kSaidNoMore = 1;  ///< keeps libtiff from printing as well

int on_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  std::string& message = static_cast<TiffBytes*>(user)->message;
  if (message.empty()) {
    std::array<char, 300> words{};
    std::vsnprintf(words.data(), words.size(), format, arguments);
    message.assign(words.data());
  }
  return kSaidNoMore;
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) { return kSaidNoMore; }

}  // namespace

std::size_t TiffMemoryBytes::read(std::uint64_t offset, std::span<std::byte> target) {
  const std::uint64_t begin = std::min<std::uint64_t>(offset, bytes_.size());
  const std::size_t count = std::min<std::size_t>(target.size(), bytes_.size() - begin);
  if (count > 0) {
    std::memcpy(target.data(), bytes_.data() + begin, count);
  }
  return count;
}

TiffHandle open_tiff(TiffBytes& bytes, const char* mode) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  if (options == nullptr) {
    throw std::bad_alloc();
  }
  // A page at 16 bits, and what its coding may need more.
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), tmsize_t{3} * kMaxPixels);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &bytes);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, &bytes);
  return TiffHandle(TIFFClientOpenExt("TIFF", mode, &bytes, on_read, on_write, on_seek, on_close, on_size, on_map,
                                      on_unmap, options.get()));
}

}  // namespace lockstep::media
