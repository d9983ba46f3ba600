#include "lockstep/media/jpeg_scan.h"

#include <cstddef>

#include "lockstep/media/escape.h"

namespace lockstep::media {
namespace {

/// Where the coefficients of a block go that come in the order of T.81, figure 5. Positions beyond its end, which the
/// step to the end of the block or garbled data lead to, stand for the last one.
constexpr std::array<std::uint8_t, 256> kOrder = [] {
  std::array<std::uint8_t, 256> order{};
  order.fill(DCTSIZE2 - 1);
  std::size_t place = 0;
  for (int diagonal = 0; diagonal < 2 * DCTSIZE - 1; ++diagonal) {
    for (int i = 0; i <= diagonal; ++i) {
      const int row = diagonal % 2 == 0 ? diagonal - i : i;
      const int column = diagonal - row;
      if (row < DCTSIZE && column < DCTSIZE) {
        order[place++] = static_cast<std::uint8_t>(row * DCTSIZE + column);
      }
    }
  }
  return order;
}();

/// Whether a block may end at this position: at its last coefficient, or because a code before that says so.
bool is_end(std::size_t position) {
  return position == DCTSIZE2 ||
         (position > HuffmanCodes::kEndOfBlock && position < HuffmanCodes::kEndOfBlock + DCTSIZE2);
}

constexpr int kMostBits = HuffmanCodes::kMostCodeBits + HuffmanCodes::kMostValueBits;

HuffmanPair single_at(std::uint64_t bits, const HuffmanCodes& codes) {
  const HuffmanSymbol symbol = codes.symbol_at(bits);
  const auto value = static_cast<std::int16_t>(huffman_value(bits << symbol.code_bits, symbol.value_bits));
  return {value, value, symbol.step, 0, static_cast<std::uint8_t>(symbol.all_bits())};
}

/// The rest of a block's coefficients, one code at a time. Gives the position at which they end.
std::size_t decode_singly(JpegBits& bits, const HuffmanCodes& codes, std::size_t position, JCOEF* coefficients) {
  while (position < DCTSIZE2) {
    bits.refill();
    const HuffmanPair single = single_at(bits.head(), codes);
    position += single.first_step;
    coefficients[kOrder[position - 1]] = single.first_value;
    bits.drop(single.all_bits);
  }
  return position;
}

/// All coefficients of a block but the first one. Gives the position at which they end.
inline std::size_t decode_others(JpegBits& bits, const HuffmanPairs& pairs, JCOEF* coefficients) {
  std::size_t position = 1;
  std::uint64_t head = 0;
  HuffmanPair pair;
  const auto take = [&] {
    head = bits.head();
    pair = pairs.at(head);
    if (pair.all_bits == 0) {
      bits.refill();
      head = bits.head();
      pair = single_at(head, pairs.codes());
    }
    position += pair.first_step;
    coefficients[kOrder[position - 1]] = pair.first_value;
    position += pair.second_step;
    coefficients[kOrder[position - 1]] = pair.second_value;
    bits.drop(pair.all_bits);
    return position < DCTSIZE2;
  };
  // One refill does for a long first coefficient and two look-ups, or for three, as what is too long for a look-up has
  // a refill of its own.
  static_assert(JpegBits::kAtLeast >= kMostBits + 2 * HuffmanPairs::kLookUpBits);
  while (take() && take()) {
    bits.refill();
    if (!take()) {
      break;
    }
  }
  if (is_end(position) || pair.second_step == 0) {
    return position;
  }
  // The second symbol may belong to the next block.
  JpegBits before = bits;  // a copy, so that the other can stay in registers
  before.put_back(head, pair.all_bits);
  position = decode_singly(before, pairs.codes(), position - pair.second_step - pair.first_step, coefficients);
  bits = before;
  return position;
}

/// One table for each kind and place, kept from one picture to the next: most have the same codes.
struct CodeTables {
  std::array<HuffmanCodes, NUM_HUFF_TBLS> first;
  std::array<HuffmanPairs, NUM_HUFF_TBLS> others;
};

CodeTables& code_tables() {
  thread_local CodeTables tables;
  return tables;
}

bool is_ordinary(jpeg_decompress_struct& info) {
  return info.progressive_mode == 0 && info.arith_code == 0 && jpeg_has_multiple_scans(&info) == 0 &&
         info.data_precision == 8 && info.Ss == 0 && info.Se == DCTSIZE2 - 1 && info.Ah == 0 && info.Al == 0 &&
         info.unread_marker == 0;
}

}  // namespace

void JpegScan::install(jpeg_decompress_struct& info) {
  static_assert(offsetof(JpegScan, decoder_) == 0);
  info_ = &info;
  if (!is_ordinary(info) || !choose_codes()) {
    return;
  }
  lay_out_unit();
  bits_ = JpegBits(info.src->next_input_byte, info.src->next_input_byte + info.src->bytes_in_buffer);
  units_left_ = info.MCUs_per_row * info.MCU_rows_in_scan;
  units_to_restart_ = info.restart_interval;
  kept_end_ = info.MCUs_per_row;
  decoder_ = *info.entropy;
  decoder_.decode_mcu = decode_unit;
  info.entropy = &decoder_;
}

void JpegScan::keep_columns(Columns columns) {
  const int factor = info_->num_components == 1 ? 1 : info_->max_h_samp_factor;
  const auto unit = static_cast<JDIMENSION>(info_->min_DCT_scaled_size * factor);
  kept_begin_ = columns.begin / unit;
  kept_end_ = (columns.begin + columns.count + unit - 1) / unit;
}

bool JpegScan::choose_codes() {
  CodeTables& tables = code_tables();
  for (int i = 0; i < info_->comps_in_scan; ++i) {
    const jpeg_component_info& component = *info_->cur_comp_info[i];
    const auto first = static_cast<std::size_t>(component.dc_tbl_no);
    const auto others = static_cast<std::size_t>(component.ac_tbl_no);
    const JHUFF_TBL* const first_table = info_->dc_huff_tbl_ptrs[first];
    const JHUFF_TBL* const other_table = info_->ac_huff_tbl_ptrs[others];
    if (first_table == nullptr || other_table == nullptr ||
        tables.first[first].assign(*first_table, HuffmanCodes::Kind::kFirst) == HuffmanCodes::Assigned::kNoCode ||
        !tables.others[others].assign(*other_table)) {
      return false;
    }
    components_[static_cast<std::size_t>(i)] = {&tables.first[first], &tables.others[others]};
  }
  return true;
}

void JpegScan::lay_out_unit() {
  for (int i = 0; i < info_->blocks_in_MCU; ++i) {
    const int component = info_->MCU_membership[i];
    blocks_[static_cast<std::size_t>(i)] = {&components_[static_cast<std::size_t>(component)],
                                            info_->cur_comp_info[component]->DCT_scaled_size > 1};
  }
}

boolean JpegScan::decode_unit(j_decompress_ptr info, JBLOCKROW* blocks) {
  reinterpret_cast<JpegScan*>(info->entropy)->decode(blocks);
  return TRUE;
}

void JpegScan::decode(JBLOCKROW* blocks) {
  if (info_->restart_interval != 0 && units_to_restart_-- == 0) {
    restart();
  }
  const bool kept = blocks != nullptr && column_ >= kept_begin_ && column_ < kept_end_;
  column_ = column_ + 1 < info_->MCUs_per_row ? column_ + 1 : 0;
  JpegBits bits = bits_;  // in registers
  for (int i = 0; i < info_->blocks_in_MCU; ++i) {
    decode_block(bits, blocks_[static_cast<std::size_t>(i)], kept ? blocks[i][0] : nullptr);
  }
  bits_ = bits;
  if (odd_ || bits.is_odd() || units_left_ == 0) {
    give_up();
  }
  if (--units_left_ == 0) {
    hand_back();
  }
}

inline void JpegScan::decode_block(JpegBits& bits, const Block& block, JCOEF* coefficients) {
  bits.refill();
  Component& component = *block.component;
  const HuffmanSymbol first = component.first_codes->symbol_at(bits.head());
  component.last += huffman_value(bits.head() << first.code_bits, first.value_bits);
  bits.drop(first.all_bits());
  JCOEF discarded[DCTSIZE2];
  JCOEF* const target = coefficients != nullptr && block.keeps_all ? coefficients : discarded;
  const std::size_t end = decode_others(bits, *component.other_codes, target);
  if (coefficients != nullptr) {
    coefficients[0] = static_cast<JCOEF>(component.last);
  }
  odd_ = odd_ || !is_end(end) || first.step == HuffmanCodes::kNoSymbol ||
         component.last != static_cast<JCOEF>(component.last);
}

void JpegScan::restart() {
  constexpr int kFirstMarker = 0xd0;
  constexpr int kMarkers = 8;
  const std::uint8_t* const marker = bits_.marker();
  if (marker == nullptr || marker[1] != kFirstMarker + next_restart_) {
    give_up();
  }
  next_restart_ = (next_restart_ + 1) % kMarkers;
  units_to_restart_ = info_->restart_interval - 1;
  bits_ = JpegBits(marker + 2, info_->src->next_input_byte + info_->src->bytes_in_buffer);
  for (Component& component : components_) {
    component.last = 0;
  }
}

void JpegScan::hand_back() {
  jpeg_source_mgr& source = *info_->src;
  source.bytes_in_buffer -= static_cast<std::size_t>(bits_.position() - source.next_input_byte);
  source.next_input_byte = bits_.position();
}

void JpegScan::give_up() {
  gave_up_ = true;
  static_cast<Escape*>(info_->client_data)->leave();
}

}  // namespace lockstep::media
