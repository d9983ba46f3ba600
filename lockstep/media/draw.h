#pragma once

#include <span>
#include <string>
#include <vector>

#include "lockstep/media/image.h"

namespace lockstep::media {

/// An RGB copy of the photograph, tinted where the mask is, the stronger the surer it is, with the outline at one half
/// (128). The mask is grey, 0 … 255, of the photograph's size.
Image overlay(const Image& photo, const Image& mask, Colour colour);

struct SheetRow {
  std::string title;
  std::vector<Image> cells;  ///< grey or RGB, of any sizes; one without pixels stays blank
};

/// A grid of images, each scaled to fit into cell_size x cell_size pixels, under the titles of the columns, each row
/// with its own title beneath it.
Image contact_sheet(std::span<const SheetRow> rows, std::span<const std::string> column_titles, int cell_size);

}  // namespace lockstep::media
