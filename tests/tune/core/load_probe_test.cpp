#include "lockstep/tune/core/load_probe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "lockstep/base/error.h"
#include "tests/support/logged_lines.h"

namespace lockstep::tune {
namespace {

using std::chrono::milliseconds;

/// Samples that take some time to read and some to decode.
class SlowDataset : public data::Dataset {
 public:
  std::size_t size() const override { return 10; }
  const std::vector<data::Field>& layout() const override { return layout_; }
  std::string name(std::size_t) const override { return "sample"; }
  void load(const data::Draw& draw, const data::SampleSlot& slot) const override {
    {
      const WorkScope read("read");
      std::this_thread::sleep_for(milliseconds(4));
    }
    const WorkScope decode("decode image");
    std::this_thread::sleep_for(milliseconds(1));
    slot.field<std::uint8_t>(0)[0] = 1;
    if (draw.index == broken_) {
      throw DataError("broken", "mend it");
    }
  }

  std::uint64_t broken_ = 100;

 private:
  std::vector<data::Field> layout_{{"image", data::DType::kUInt8, {3}}};
};

LoadMeasurement measured(int threads, double rate, double read_wait, double other) {
  LoadMeasurement one;
  one.threads = threads;
  one.samples = 100;
  one.seconds = 100 / rate;
  one.work["read"] = {100 * read_wait, 0};
  one.work["decode image"] = {100 * other, 100 * other};
  return one;
}

TEST(LoadProbe, TellsWhatThreadsDoWithTheirTime) {
  const LoadMeasurement one = measure_loading(SlowDataset(), 1, Seconds(0.2), 1, 0);
  EXPECT_GE(one.samples, 1);
  EXPECT_GE(one.seconds_per_sample(), 0.005);
  EXPECT_GT(one.share("read"), one.share("decode image"));
  EXPECT_GT(one.share("decode image"), 0);
  EXPECT_LT(one.cpu_seconds_per_sample(), one.seconds_per_sample());
}

TEST(LoadProbe, ThrowsWhatTheDatasetThrows) {
  SlowDataset samples;
  samples.broken_ = 3;
  EXPECT_THROW(measure_loading(samples, 2, Seconds(5), 1, 0), DataError);
}

TEST(LoadProbe, LeavesOutAsManySamplesAsItMay) {
  const test::LoggedLines log;
  SlowDataset samples;
  samples.broken_ = 3;
  data::BadSamples one(1);
  const LoadMeasurement all = measure_loading(samples, 2, Seconds(0.3), 1, 0, &one);
  EXPECT_EQ(one.count(), 1U);
  EXPECT_GE(all.samples, 9);
  data::BadSamples none(0);
  EXPECT_THROW(measure_loading(samples, 2, Seconds(5), 1, 0, &none), DataError);
}

TEST(LoadCosts, AThreadThatDoesNotWaitHasNoDiskToBlame) {
  const LoadCosts costs = costs_of(measured(1, 100, 0.0002, 0.0098), measured(4, 320, 0.0030, 0.0095));
  EXPECT_DOUBLE_EQ(costs.seconds_alone, 0.010);
  EXPECT_DOUBLE_EQ(costs.seconds_busy, 0.0125);
  EXPECT_DOUBLE_EQ(costs.cpu_seconds, 0.0095);
  EXPECT_EQ(costs.read_wait, 0);
  EXPECT_TRUE(std::isinf(costs.most_per_second));
}

TEST(LoadCosts, ADiskForWhichThreadsQueueGivesNoMoreThanItGaveThem) {
  // Alone 8 ms of the disk and 2 ms of work; four threads wait for each other's reads.
  const LoadCosts costs = costs_of(measured(1, 100, 0.008, 0.002), measured(4, 125, 0.030, 0.002));
  EXPECT_DOUBLE_EQ(costs.read_wait, 0.008);
  EXPECT_DOUBLE_EQ(costs.most_per_second, 125);
  EXPECT_NEAR(costs.seconds_busy, 0.010, 1e-12);
}

TEST(LoadCosts, ADiskThatServesManyAtOnceIsOnlyFarAway) {
  const LoadCosts costs = costs_of(measured(1, 100, 0.008, 0.002), measured(4, 390, 0.0082, 0.002));
  EXPECT_DOUBLE_EQ(costs.read_wait, 0.008);
  EXPECT_TRUE(std::isinf(costs.most_per_second));
}

}  // namespace
}  // namespace lockstep::tune
