#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
// jpegint.h needs jpeglib.h before it.
#include <jpegint.h>

#include "lockstep/media/huffman_codes.h"
#include "lockstep/media/jpeg_bits.h"
#include "lockstep/media/jpeg_columns.h"

namespace lockstep::media {

/// Stands in for libjpeg's own Huffman decoder, which takes most of the time of a JPEG: it decodes the coefficients of
/// an ordinary picture (one scan, no progression, Huffman codes, samples of 8 bits), and libjpeg makes the pixels of
/// them. Where the data are not as an encoder writes them it gives up: libjpeg then has to begin anew by itself, and
/// knows what is to be made of them.
class JpegScan {
 public:
  JpegScan() = default;
  JpegScan(const JpegScan&) = delete;
  JpegScan& operator=(const JpegScan&) = delete;

  /// Takes the place of the decoder if the picture is an ordinary one. To be called when decompression has started; the
  /// object must then outlive it.
  void install(jpeg_decompress_struct& info);

  /// Lets coefficients go that are not for these columns of the decoded picture.
  void keep_columns(Columns columns);

  /// Whether it has left the calls of libjpeg (see Escape).
  bool has_given_up() const { return gave_up_; }

 private:
  struct Component {
    const HuffmanCodes* first_codes = nullptr;
    const HuffmanPairs* other_codes = nullptr;
    int last = 0;  ///< the first coefficient of the last block
  };
  /// One of the blocks that make up a unit of the scan (an MCU).
  struct Block {
    Component* component = nullptr;
    bool keeps_all = false;  ///< or the first coefficient only
  };

  static boolean decode_unit(j_decompress_ptr info, JBLOCKROW* blocks);

  bool choose_codes();
  void lay_out_unit();
  void decode(JBLOCKROW* blocks);
  void decode_block(JpegBits& bits, const Block& block, JCOEF* coefficients);
  void restart();
  void hand_back();  // to libjpeg what is left of the file
  [[noreturn]] void give_up();

  jpeg_entropy_decoder decoder_{};  // what libjpeg sees of the object: the first member
  jpeg_decompress_struct* info_ = nullptr;
  JpegBits bits_;
  std::array<Component, MAX_COMPS_IN_SCAN> components_{};
  std::array<Block, D_MAX_BLOCKS_IN_MCU> blocks_{};
  JDIMENSION units_left_ = 0;
  JDIMENSION units_to_restart_ = 0;
  JDIMENSION column_ = 0;  // of units
  JDIMENSION kept_begin_ = 0;
  JDIMENSION kept_end_ = 0;
  int next_restart_ = 0;
  bool odd_ = false;
  bool gave_up_ = false;
};

}  // namespace lockstep::media
