#include "lockstep/data/batch.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace lockstep::data::batch_test {
namespace {

/// Samples whose bytes and boxes tell their places.
Batch numbered(std::size_t samples) {
  Batch batch;
  std::vector<Draw> draws;
  for (std::size_t i = 0; i < samples; ++i) {
    draws.push_back({.seed = 1, .epoch = 2, .position = i, .index = 10 + i});
  }
  shape_batch(batch, {{"three", DType::kUInt8, {3}}, {"two", DType::kUInt8, {2}}}, draws);
  for (std::size_t i = 0; i < samples; ++i) {
    const SampleSlot slot = slot_of(batch, i);
    std::ranges::fill(slot.fields[0], static_cast<std::byte>(i));
    std::ranges::fill(slot.fields[1], static_cast<std::byte>(100 + i));
    slot.ragged->push_back({DType::kUInt8, {1}, {static_cast<std::byte>(200 + i)}});
  }
  return batch;
}

TEST(PartOfABatch, HasTheSamplesAtItsPlacesInAllFields) {
  const Batch batch = numbered(5);
  Batch part = part_of(batch, 1, 4);
  ASSERT_EQ(part.size(), 3U);
  EXPECT_EQ(part.fields[0].size(), 9U);
  EXPECT_EQ(part.fields[1].size(), 6U);
  for (std::size_t i = 0; i < part.size(); ++i) {
    EXPECT_EQ(part.draws[i].index, 11 + i);
    const SampleSlot slot = slot_of(part, i);
    EXPECT_EQ(slot.fields[0].back(), static_cast<std::byte>(1 + i));
    EXPECT_EQ(slot.fields[1].front(), static_cast<std::byte>(101 + i));
    EXPECT_EQ(slot.ragged->at(0).bytes.at(0), static_cast<std::byte>(201 + i));
  }
  EXPECT_EQ(batch.ragged[1].size(), 1U) << "it is a copy";
}

TEST(PartOfABatch, MayBeEmpty) {
  const Batch part = part_of(numbered(2), 2, 2);
  EXPECT_EQ(part.size(), 0U);
  EXPECT_EQ(part.layout.size(), 2U);
  EXPECT_EQ(part.fields[0].size(), 0U);
}

}  // namespace
}  // namespace lockstep::data::batch_test
