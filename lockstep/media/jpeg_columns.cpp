#include "lockstep/media/jpeg_columns.h"

#include <algorithm>
#include <span>

namespace lockstep::media {
namespace {

std::span<const jpeg_component_info> components(const jpeg_decompress_struct& info) {
  return {info.comp_info, static_cast<std::size_t>(info.num_components)};
}

/// Whether libjpeg guesses what a progressive picture lacks from the neighbours of each block, also those outside of
/// the crop, which it does not look at (it does so where one of the first ten coefficients is not known to its last
/// bit).
bool smooths_blocks(const jpeg_decompress_struct& info) {
  constexpr int kSmoothed = 10;
  if (!info.progressive_mode || !info.do_block_smoothing || info.coef_bits == nullptr) {
    return false;
  }
  const std::span coefficient_bits(info.coef_bits, static_cast<std::size_t>(info.num_components));
  return std::any_of(coefficient_bits.begin(), coefficient_bits.end(), [](const int(&bits)[DCTSIZE2]) {
    return std::any_of(bits, bits + kSmoothed, [](int unknown) { return unknown != 0; });
  });
}

/// Whether a component is both scaled by another factor than the picture and spread by the upsampler: libjpeg 2.1 then
/// takes it for narrower than it is in a crop.
bool is_scaled_and_spread(const jpeg_decompress_struct& info, const jpeg_component_info& component) {
  const bool spread =
      component.h_samp_factor * component.DCT_scaled_size != info.max_h_samp_factor * info.min_DCT_scaled_size ||
      component.v_samp_factor * component.DCT_scaled_size != info.max_v_samp_factor * info.min_DCT_scaled_size;
  return spread && component.DCT_scaled_size != info.min_DCT_scaled_size;
}

bool can_crop(const jpeg_decompress_struct& info) {
  const auto all = components(info);
  return !smooths_blocks(info) &&
         std::none_of(all.begin(), all.end(), [&](const auto& one) { return is_scaled_and_spread(info, one); });
}

}  // namespace

Columns columns_to_decode(const jpeg_decompress_struct& info, Columns wanted) {
  const Columns all{0, info.output_width};
  if (!can_crop(info)) {
    return all;
  }
  const auto unit = static_cast<JDIMENSION>(info.min_DCT_scaled_size * info.max_h_samp_factor);
  // Upsampling mixes a sample with its neighbours, and treats those at the edge apart: one pixel more on each side. It
  // drops the mixing altogether in planes of two samples or fewer.
  const auto least = static_cast<JDIMENSION>(4 * info.max_h_samp_factor);
  JDIMENSION begin = (wanted.begin - std::min<JDIMENSION>(wanted.begin, 1)) / unit * unit;
  JDIMENSION end = (wanted.begin + wanted.count + 1 + unit - 1) / unit * unit;
  end = std::min(std::max(end, begin + least), info.output_width);
  while (begin > 0 && end - begin < least) {
    begin -= std::min(begin, unit);
  }
  return {begin, end - begin};
}

}  // namespace lockstep::media
