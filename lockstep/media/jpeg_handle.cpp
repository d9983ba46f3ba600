#include "lockstep/media/jpeg_handle.h"

#include <jerror.h>

#include "lockstep/media/limits.h"

namespace lockstep::media {
namespace {

static_assert(sizeof(Escape::message) >= JMSG_LENGTH_MAX);

/// A progressive image has some ten scans. A scan of a few bytes can cost a pass over the whole picture, so that a
/// small file with many of them would keep a thread busy for hours.
constexpr int kMaxScans = 500;

[[noreturn]] void give_up(j_common_ptr info, const char* detail) {
  auto* escape = static_cast<Escape*>(info->client_data);
  std::snprintf(escape->message, sizeof(escape->message), "%s", detail);
  escape->leave();
}

[[noreturn]] void on_error(j_common_ptr info) {
  char detail[JMSG_LENGTH_MAX];
  info->err->format_message(info, detail);
  give_up(info, detail);
}

/// Whether a warning says that pixels are lost; others (stray bytes between markers, odd parameters that some cameras
/// write) harm nothing.
bool is_loss(int warning) {
  return warning == JWRN_JPEG_EOF || warning == JWRN_HIT_MARKER || warning == JWRN_HUFF_BAD_CODE ||
         warning == JWRN_ARITH_BAD_CODE || warning == JWRN_MUST_RESYNC;
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && is_loss(info->err->msg_code)) {
    on_error(info);
  }
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    give_up(info, "Too many scans");
  }
}

}  // namespace

JpegHandle::JpegHandle(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {
  info_.err = jpeg_std_error(&errors_);
  errors_.error_exit = on_error;
  errors_.emit_message = on_message;
  info_.client_data = &escape_;
}

JpegHandle::~JpegHandle() { jpeg_destroy_decompress(&info_); }

ImageSize JpegHandle::read_header() {
  run([&] {
    jpeg_create_decompress(&info_);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&info_, TRUE);
  });
  progress_.progress_monitor = on_progress;
  info_.progress = &progress_;
  check_size(info_.image_width, info_.image_height, name_);
  return {static_cast<int>(info_.image_width), static_cast<int>(info_.image_height)};
}

void JpegHandle::check_length() const {
  // A block of 8 x 8 samples takes a bit or more of Huffman code, and the at most 32 x 32 pixels of a unit (ITU-T T.81,
  // A.2.3) have eight blocks or more. Arithmetic code has no such bound.
  constexpr std::size_t kMaxPixelsPerByte = 1024;
  const std::size_t pixels = static_cast<std::size_t>(info_.image_width) * info_.image_height;
  if (!info_.arith_code && pixels / kMaxPixelsPerByte > bytes_.size()) {
    fail("too short for its size");
  }
}

void JpegHandle::fail(const std::string& detail) const { throw unreadable("JPEG", detail, name_); }

}  // namespace lockstep::media
