#include "lockstep/data/source_image.h"

#include <algorithm>

#include "lockstep/base/files.h"
#include "lockstep/base/reuse.h"
#include "lockstep/base/work_meter.h"
#include "lockstep/media/decode_request.h"

namespace lockstep::data {
namespace {

constexpr media::DecodeRequest kGreyLevels{.mode = media::ColorMode::kGrey};

/// The orientation that undoes another one: quarter turns go the other way round, all others undo themselves.
int way_back(int orientation) { return orientation == 6 ? 8 : orientation == 8 ? 6 : orientation; }

std::uint8_t largest(const std::vector<std::uint8_t>& levels) {
  std::uint8_t result = 0;
  for (const std::uint8_t level : levels) {
    result = std::max(result, level);
  }
  return result;
}

}  // namespace

void SourceImage::open(const std::filesystem::path& path) {
  path_ = &path;
  read_file_into(path, bytes_);
  header_ = media::read_image_header(bytes_, path.native());
}

BoxedView SourceImage::decode(const media::Box& box, const media::DecodeRequest& kind) {
  media::Box stored = media::stored_part(box, header_.size, header_.orientation);
  const auto reduce = [&](double& length) { length *= kind.eighths / static_cast<double>(media::kFullSize); };
  reduce(stored.x);
  reduce(stored.y);
  reduce(stored.width);
  reduce(stored.height);
  const media::ImageSize whole = media::reduced(header_.size, kind.eighths);
  const media::Rect region = touched(stored, whole);
  media::DecodeRequest request = kind;
  request.region = region;
  // At once for the largest part that can be asked for: memory that grew with each larger one would leave holes.
  reserve_for_reuse(stored_.pixels, static_cast<std::size_t>(whole.width) * static_cast<std::size_t>(whole.height) *
                                        static_cast<std::size_t>(media::requested_channels(request)));
  media::decode_part(bytes_, request, path_->native(), stored_);
  const media::Box within = relative_to(region, stored);
  if (header_.orientation == 1) {
    return {view_of(stored_), within};
  }
  media::turn_upright(view_of(stored_), header_.orientation, upright_);
  return {view_of(upright_), media::stored_part(within, upright_.size(), way_back(header_.orientation))};
}

BoxedView SourceImage::decode_colours(const media::Box& box, int eighths, bool padded) {
  const WorkScope work("decode image");
  return decode(box, {.mode = media::ColorMode::kRgb, .eighths = eighths, .padded = padded});
}

BoxedView SourceImage::decode_mask(const media::Box& box) {
  const WorkScope work("decode mask");
  BoxedView part = decode(box, kGreyLevels);
  // A part of zeros looks the same either way; one with a level above 1 tells that there is nothing to be done.
  if (largest(stored_.pixels) != 1) {
    return part;
  }
  if (stored_.size() != header_.size) {
    const bool ones = has_ones_alone();
    part = decode(box, kGreyLevels);
    if (!ones) {
      return part;
    }
  }
  media::Image& levels = header_.orientation == 1 ? stored_ : upright_;
  for (std::uint8_t& level : levels.pixels) {
    level *= 255;
  }
  return part;
}

bool SourceImage::has_ones_alone() {
  decode(whole_box(size()), kGreyLevels);
  return largest(stored_.pixels) == 1;
}

}  // namespace lockstep::data
