#include "lockstep/tune/core/warm_samples.h"

#include <gtest/gtest.h>

#include <atomic>

#include "lockstep/base/error.h"
#include "lockstep/data/batch.h"

namespace lockstep::tune {
namespace {

/// Ten samples of which some can be read; each is its own number.
class NumberedSamples : public data::Dataset {
 public:
  explicit NumberedSamples(std::uint64_t readable) : readable_(readable) {}

  std::size_t size() const override { return 10; }
  const std::vector<data::Field>& layout() const override { return layout_; }
  std::string name(std::size_t) const override { return "sample"; }
  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    if (draw.index >= readable_) {
      throw DataError("broken", "mend it");
    }
    slot.field<std::uint8_t>(0)[0] = static_cast<std::uint8_t>(draw.index);
  }

 private:
  std::uint64_t readable_;
  std::vector<data::Field> layout_{{"number", data::DType::kUInt8, {1}}};
};

TEST(WarmSamples, ThoseThatCanBeReadStandForAll) {
  const NumberedSamples samples(4);
  const WarmSamples warm(samples, /*seed=*/3, /*threads=*/2, Seconds(0.05));
  EXPECT_EQ(warm.size(), 10U);
  ASSERT_EQ(warm.kept(), 4U);  // each once, however often it came
  data::Batch batch = data::load_batch(warm, {{3, 0, 0, 1}, {3, 0, 1, 7}, {3, 5, 2, 9}});
  const auto* numbers = reinterpret_cast<const std::uint8_t*>(batch.fields[0].data());
  EXPECT_EQ(numbers[0], 1);
  EXPECT_EQ(numbers[1], 3);
  EXPECT_EQ(numbers[2], 1);
}

TEST(WarmSamples, ThrowsWhereNothingCanBeRead) {
  EXPECT_THROW(WarmSamples(NumberedSamples(0), 3, 1, Seconds(0.02)), DataError);
}

}  // namespace
}  // namespace lockstep::tune
