#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "lockstep/data/boxed_view.h"
#include "lockstep/media/decode.h"
#include "lockstep/media/image.h"
#include "lockstep/media/orientation.h"

namespace lockstep::data {

/// A JPEG or PNG file, decoded where it is needed. Used for one file after the other, it needs no memory but for one
/// that is larger than those before.
class SourceImage {
 public:
  /// Reads a file and looks at its header. The path must live until another one is opened. Throws DataError naming the
  /// file.
  void open(const std::filesystem::path& path);

  const media::ImageHeader& header() const { return header_; }

  /// The size of the upright picture.
  media::ImageSize size() const { return media::upright_size(header_.size, header_.orientation); }
  media::ImageSize stored_size() const { return header_.size; }

  /// Takes the picture as it is stored, whatever its file says of its orientation.
  void leave_as_stored() { header_.orientation = 1; }

  /// Whether it can be decoded at a part of its size.
  bool is_reducible() const { return header_.format == media::Format::kJpeg; }

  /// The part of the picture that a box of it touches, upright, decoded at so many eighths of its size. It is there
  /// until the next call. With `padded`, pixels have a fourth value without meaning, which makes decoding and scaling
  /// faster. Throws DataError naming the file.
  BoxedView decode_colours(const media::Box& box, int eighths, bool padded);

  /// The same at full size as grey levels 0 … 255, also where the file has levels of 0 and 1 alone, as some programs
  /// write masks.
  BoxedView decode_mask(const media::Box& box);

 private:
  BoxedView decode(const media::Box& box, const media::DecodeRequest& request);
  bool has_ones_alone();

  const std::filesystem::path* path_ = nullptr;
  std::vector<std::byte> bytes_;
  media::ImageHeader header_;
  media::Image stored_;
  media::Image upright_;
};

}  // namespace lockstep::data
