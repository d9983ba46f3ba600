#include "lockstep/data/bad_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"
#include "lockstep/data/loader.h"
#include "tests/support/logged_lines.h"

namespace lockstep::data::bad_samples_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Samples that hold their index, and a ragged array of so many bytes; some cannot be read.
class BrokenDataset : public Dataset {
 public:
  BrokenDataset(std::size_t size, std::vector<std::uint64_t> broken) : size_(size), broken_(std::move(broken)) {}

  std::size_t size() const override { return size_; }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override { return text(index); }

  void load(const Draw& draw, const SampleSlot& slot) const override {
    slot.field<std::int64_t>(0)[0] = -1;
    if (std::ranges::find(broken_, draw.index) != broken_.end()) {
      throw DataError(text("file ", draw.index, " is empty"), "restore it");
    }
    slot.field<std::int64_t>(0)[0] = static_cast<std::int64_t>(draw.index);
    std::ranges::fill(slot.field<std::uint8_t>(1), static_cast<std::uint8_t>(draw.index));
    slot.ragged->push_back({DType::kUInt8, {}, std::vector<std::byte>(draw.index)});
  }

 private:
  std::size_t size_;
  std::vector<std::uint64_t> broken_;
  std::vector<Field> layout_{{"index", DType::kInt64, {}}, {"level", DType::kUInt8, {3}}};
};

/// The indices in a batch, after a look at whether all its parts agree.
std::vector<std::uint64_t> indices_of(Batch& batch) {
  std::vector<std::uint64_t> indices;
  EXPECT_EQ(batch.fields[0].size(), batch.size() * sizeof(std::int64_t));
  EXPECT_EQ(batch.fields[1].size(), batch.size() * 3);
  EXPECT_EQ(batch.ragged.size(), batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint64_t index = batch.draws[i].index;
    const SampleSlot slot = slot_of(batch, i);
    EXPECT_EQ(slot.field<std::int64_t>(0)[0], static_cast<std::int64_t>(index));
    EXPECT_THAT(slot.field<std::uint8_t>(1), testing::Each(index));
    EXPECT_EQ(slot.ragged->at(0).bytes.size(), index);
    indices.push_back(index);
  }
  return indices;
}

std::string error_of(Loader& loader) {
  try {
    loader.next(0);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

LoaderOptions in_order(BadSamples* bad_samples, std::uint64_t epochs = 1) {
  LoaderOptions options;
  options.shuffle = false;
  options.end_epoch = epochs;
  options.bad_samples = bad_samples;
  return options;
}

TEST(BadSamples, AreLeftOutOfTheirBatch) {
  const test::LoggedLines log;
  const BrokenDataset dataset(12, {0, 2, 3, 8, 9, 10, 11});
  for (const int threads : {1, 4}) {
    BadSamples bad_samples(7);
    DecodePool pool(threads);
    Loader loader(pool, dataset, BatchPlan{12, 4, 4, 1}, in_order(&bad_samples));
    Batch batch = loader.next(0);
    EXPECT_THAT(indices_of(batch), ElementsAre(1));
    loader.recycle(std::move(batch));
    batch = loader.next(0);
    EXPECT_THAT(indices_of(batch), ElementsAre(4, 5, 6, 7));
    batch = loader.next(0);
    EXPECT_THAT(indices_of(batch), ElementsAre());
    EXPECT_EQ(bad_samples.count(), 7U);
  }
}

TEST(BadSamples, AreCountedAndNamedOnce) {
  const test::LoggedLines log;
  const BrokenDataset dataset(4, {1, 3});
  BadSamples bad_samples(2);
  DecodePool pool(2);
  Loader loader(pool, dataset, BatchPlan{4, 4, 4, 1}, in_order(&bad_samples, 3));
  for (int epoch = 0; epoch < 3; ++epoch) {
    Batch batch = loader.next(0);
    EXPECT_THAT(indices_of(batch), ElementsAre(0, 2));
  }
  EXPECT_EQ(bad_samples.count(), 2U);
  EXPECT_EQ(log.text(),
            "bad sample 1 of at most 2 is left out: file 1 is empty; restore it\n"
            "bad sample 2 of at most 2 is left out: file 3 is empty; restore it\n");
}

TEST(BadSamples, OneTooManyEndsWithAllOfThem) {
  const test::LoggedLines log;
  const BrokenDataset dataset(12, {1, 3, 7, 11});
  for (const int threads : {1, 4}) {
    BadSamples bad_samples(2);
    DecodePool pool(threads);
    Loader loader(pool, dataset, BatchPlan{12, 4, 4, 1}, in_order(&bad_samples));
    EXPECT_EQ(error_of(loader), "");
    EXPECT_EQ(
        error_of(loader),
        "3 samples cannot be read, and --max-bad-samples allows for 2: (1) file 1 is empty; restore it; (2) file 3 "
        "is empty; restore it; (3) file 7 is empty; restore it; mend or remove them, or let more of them be left "
        "out");
  }
}

TEST(BadSamples, TheOnlyOneSpeaksForItself) {
  const BrokenDataset dataset(4, {3});
  BadSamples none(0);
  DecodePool pool(1);
  Loader loader(pool, dataset, BatchPlan{4, 4, 4, 1}, in_order(&none));
  EXPECT_EQ(error_of(loader), "file 3 is empty; restore it");
}

TEST(BadSamples, OfDifferentSetsAreDifferent) {
  const test::LoggedLines log;
  const BrokenDataset training(2, {1});
  const BrokenDataset evaluation(2, {1});
  BadSamples bad_samples(2);
  load_batch(training, {{0, 0, 1, 1}}, &bad_samples);
  load_batch(evaluation, {{0, 0, 1, 1}}, &bad_samples);
  EXPECT_EQ(bad_samples.count(), 2U);
}

TEST(BadSamples, AreLeftOutOfABatchThatIsLoadedAtOnce) {
  const test::LoggedLines log;
  const BrokenDataset dataset(4, {0, 2});
  BadSamples bad_samples(2);
  const std::vector<Draw> draws{{0, 0, 0, 0}, {0, 0, 1, 1}, {0, 0, 2, 2}, {0, 0, 3, 3}};
  Batch batch = load_batch(dataset, draws, &bad_samples);
  EXPECT_THAT(indices_of(batch), ElementsAre(1, 3));
  EXPECT_THROW(load_batch(dataset, draws), DataError);
}

}  // namespace
}  // namespace lockstep::data::bad_samples_test
