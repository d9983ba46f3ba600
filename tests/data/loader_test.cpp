#include "lockstep/data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "lockstep/base/cpu_time.h"
#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::data::loader_test {
namespace {

/// Samples that hold their index and a random number, and as many ragged bytes as their index says.
class NumberDataset : public Dataset {
 public:
  explicit NumberDataset(std::size_t size) : size_(size) {}

  std::size_t size() const override { return size_; }
  const std::vector<Field>& layout() const override { return layout_; }
  std::string name(std::size_t index) const override {
    if (names_need_memory && index == surprising) {
      throw std::bad_alloc();
    }
    return text("number ", index);
  }

  void load(const Draw& draw, const SampleSlot& slot) const override {
    ++loads;
    if (draw.index == slow) {
      slow_may_end.wait();
    }
    if (std::find(broken.begin(), broken.end(), draw.index) != broken.end()) {
      throw DataError(name(draw.index) + " is broken", "mend it");
    }
    if (draw.index == surprising) {
      throw std::runtime_error("out of luck");
    }
    slot.field<std::int64_t>(0)[0] = static_cast<std::int64_t>(draw.index);
    std::ranges::fill(slot.field<float>(1), static_cast<float>(draw.augmentation().uniform()));
    slot.ragged->push_back(
        {DType::kUInt8, {static_cast<std::int64_t>(draw.index)}, std::vector<std::byte>(draw.index)});
  }

  std::uint64_t slow = ~std::uint64_t{0};
  std::shared_future<void> slow_may_end;
  std::vector<std::uint64_t> broken;
  std::uint64_t surprising = ~std::uint64_t{0};
  bool names_need_memory = false;
  mutable std::atomic<int> loads = 0;

 private:
  std::size_t size_;
  std::vector<Field> layout_{{"index", DType::kInt64, {}}, {"noise", DType::kFloat32, {2, 3}}};
};

/// All that a rank gets, as comparable values.
struct Received {
  std::vector<std::uint64_t> positions;
  std::vector<std::uint64_t> indices;
  std::vector<std::byte> bytes;

  bool operator==(const Received&) const = default;
};

Received receive(Loader& loader, const BatchPlan& plan, int rank, LoaderOptions options) {
  Received received;
  for (std::uint64_t epoch = options.first_epoch; epoch < options.end_epoch; ++epoch) {
    const std::uint64_t first = epoch == options.first_epoch ? options.first_step : 0;
    for (std::uint64_t step = first; step < plan.steps_per_epoch(); ++step) {
      for (const Range& pass : plan.passes(step, rank)) {
        Batch batch = loader.next(rank);
        EXPECT_EQ(batch.size(), pass.size());
        for (std::size_t i = 0; i < batch.size(); ++i) {
          EXPECT_EQ(batch.draws[i].epoch, epoch);
          EXPECT_EQ(batch.draws[i].position, pass.begin + i);
          EXPECT_EQ(batch.ragged[i].at(0).bytes.size(), batch.draws[i].index);
          received.positions.push_back(batch.draws[i].position);
          received.indices.push_back(batch.draws[i].index);
        }
        for (const HostBuffer& field : batch.fields) {
          received.bytes.insert(received.bytes.end(), field.begin(), field.end());
        }
        loader.recycle(std::move(batch));
      }
    }
  }
  return received;
}

/// Every rank as a thread of its own.
std::vector<Received> run(int threads, const BatchPlan& plan, const LoaderOptions& options) {
  const NumberDataset dataset(plan.samples_per_epoch);
  DecodePool pool(threads);
  Loader loader(pool, dataset, plan, options);
  std::vector<Received> received(static_cast<std::size_t>(plan.world_size));
  {
    std::vector<std::jthread> ranks;
    for (int rank = 0; rank < plan.world_size; ++rank) {
      ranks.emplace_back(
          [&, rank] { received[static_cast<std::size_t>(rank)] = receive(loader, plan, rank, options); });
    }
  }
  return received;
}

LoaderOptions epochs(std::uint64_t end) {
  LoaderOptions options;
  options.seed = 7;
  options.end_epoch = end;
  return options;
}

TEST(Loader, GivesTheSameBytesWithAnyNumberOfThreads) {
  const BatchPlan plan{23, 6, 2, 3};
  EXPECT_EQ(run(1, plan, epochs(3)), run(4, plan, epochs(3)));
}

TEST(Loader, GivesEverySampleOncePerEpoch) {
  std::vector<std::uint64_t> indices;
  for (const Received& rank : run(2, {23, 6, 2, 3}, epochs(1))) {
    indices.insert(indices.end(), rank.indices.begin(), rank.indices.end());
  }
  std::sort(indices.begin(), indices.end());
  ASSERT_EQ(indices.size(), 23U);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    EXPECT_EQ(indices[i], i);
  }
}

TEST(Loader, KeepsTheOrderOfTheDatasetWithoutShuffle) {
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  const Received received = run(2, {9, 4, 4, 1}, options)[0];
  EXPECT_EQ(received.indices, received.positions);
}

/// Memory that can run out.
std::atomic<bool> memory_is_full = false;

std::byte* take_while_there_is_some(std::size_t bytes) {
  if (memory_is_full) {
    throw std::bad_alloc();
  }
  return ordinary_memory().take(bytes);
}

TEST(Loader, APassForWhichThereWasNoMemoryComesInItsTurn) {
  static const HostMemory memory = {&take_while_there_is_some, ordinary_memory().give_back};
  const NumberDataset dataset(12);
  for (const int ahead : {1, 2, 3}) {
    DecodePool pool(2);
    LoaderOptions options = epochs(1);
    options.shuffle = false;
    options.prefetch_factor = ahead;
    options.memory = &memory;
    Loader loader(pool, dataset, BatchPlan{12, 2, 2, 1}, options);
    EXPECT_EQ(loader.next(0).draws.at(0).index, 0U);  // no batch comes back, so that each one needs memory
    memory_is_full = true;
    EXPECT_THROW(loader.next(0), std::bad_alloc);
    memory_is_full = false;
    for (const std::uint64_t first : {4U, 6U, 8U, 10U}) {
      EXPECT_EQ(loader.next(0).draws.at(0).index, first);
    }
  }
}

TEST(Loader, MemoryThatDoesNotEvenDoForANameIsMissedInThePassOfTheSample) {
  NumberDataset dataset(6);
  dataset.surprising = 2;
  dataset.names_need_memory = true;
  DecodePool pool(1);
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  Loader loader(pool, dataset, BatchPlan{6, 2, 2, 1}, options);
  EXPECT_EQ(loader.next(0).size(), 2U);
  EXPECT_THROW(loader.next(0), std::bad_alloc);
  EXPECT_EQ(loader.next(0).size(), 2U);
}

TEST(Loader, ResumesAtAStepWithTheSameSamples) {
  const BatchPlan plan{10, 4, 2, 1};
  const Received whole = run(2, plan, epochs(3))[0];
  LoaderOptions options = epochs(3);
  options.first_epoch = 1;
  options.first_step = 2;
  const Received rest = run(2, plan, options)[0];
  ASSERT_EQ(rest.indices.size(), 12U);
  EXPECT_TRUE(std::equal(rest.indices.rbegin(), rest.indices.rend(), whole.indices.rbegin()));
  // Within a batch the fields stand one after the other, so that batches of equal sizes end in equal bytes.
  EXPECT_TRUE(std::equal(rest.bytes.rbegin(), rest.bytes.rend(), whole.bytes.rbegin()));
}

TEST(Loader, DecodesNoFurtherAheadThanAsked) {
  const NumberDataset dataset(100);
  LoaderOptions options = epochs(1);
  options.prefetch_factor = 3;
  {
    DecodePool pool(2);
    Loader loader(pool, dataset, BatchPlan{100, 4, 2, 2}, options);
    loader.next(0);
    loader.next(0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_LE(dataset.loads, 2 * (2 + 3 + 3));
  }
}

TEST(Loader, ASlowSampleDelaysOnlyItsBatch) {
  NumberDataset dataset(8);
  std::promise<void> end;
  dataset.slow = 0;
  dataset.slow_may_end = end.get_future().share();
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  DecodePool pool(2);
  Loader loader(pool, dataset, BatchPlan{8, 4, 2, 2}, options);
  EXPECT_EQ(loader.next(1).draws[0].index, 2U);
  EXPECT_EQ(loader.next(1).draws[0].index, 6U);
  end.set_value();
  EXPECT_EQ(loader.next(0).draws[0].index, 0U);
}

TEST(Loader, ThrowsTheFirstErrorOfABatchOnTheRankThatAsksForIt) {
  NumberDataset dataset(8);
  dataset.broken = {2, 3};
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  DecodePool pool(4);
  Loader loader(pool, dataset, BatchPlan{8, 4, 2, 2}, options);
  EXPECT_NO_THROW(loader.next(0));
  try {
    loader.next(1);
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("number 2 is broken"));
  }
}

TEST(Loader, NamesTheSampleOfAnErrorThatDoesNot) {
  NumberDataset dataset(4);
  dataset.surprising = 2;
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  DecodePool pool(2);
  Loader loader(pool, dataset, BatchPlan{4, 4, 4, 1}, options);
  try {
    loader.next(0);
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "sample number 2: out of luck");
  }
}

TEST(Loader, BeginsNoSampleAfterCancel) {
  NumberDataset dataset(64);
  std::promise<void> end;
  dataset.slow = 0;
  dataset.slow_may_end = end.get_future().share();
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  DecodePool pool(1);
  {
    Loader loader(pool, dataset, BatchPlan{64, 16, 16, 1}, options);
    while (dataset.loads == 0) {
      std::this_thread::yield();
    }
    loader.cancel();
    end.set_value();
  }
  EXPECT_EQ(dataset.loads, 1);
}

TEST(Loader, CancelWakesARankThatWaits) {
  NumberDataset dataset(4);
  std::promise<void> end;
  dataset.slow = 0;
  dataset.slow_may_end = end.get_future().share();
  LoaderOptions options = epochs(1);
  options.shuffle = false;
  DecodePool pool(1);
  Loader loader(pool, dataset, BatchPlan{4, 2, 2, 1}, options);
  std::jthread rank([&] { EXPECT_THROW(loader.next(0), LoaderCancelled); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  loader.cancel();
  rank.join();
  EXPECT_THROW(loader.next(0), LoaderCancelled);
  end.set_value();
}

TEST(Loader, LeavesThePoolToOthersWhenItGoes) {
  DecodePool pool(1);
  for (int i = 0; i < 20; ++i) {
    const NumberDataset dataset(50);
    const Loader loader(pool, dataset, BatchPlan{50, 50, 50, 1}, epochs(1));
  }
  const NumberDataset dataset(3);
  Loader loader(pool, dataset, BatchPlan{3, 3, 3, 1}, epochs(1));
  EXPECT_EQ(loader.next(0).size(), 3U);
}

TEST(Loader, ReusesTheMemoryOfBatchesThatCameBack) {
  const NumberDataset dataset(64);
  DecodePool pool(2);
  Loader loader(pool, dataset, BatchPlan{64, 4, 4, 1}, epochs(4));
  std::vector<const std::byte*> addresses;
  for (int i = 0; i < 64; ++i) {
    Batch batch = loader.next(0);
    addresses.push_back(batch.fields[1].data());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(addresses.back()) % kBufferAlignment, 0U);
    loader.recycle(std::move(batch));
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  EXPECT_LE(addresses.size(), 4U);  // the one in use, and those ahead
}

/// Memory of which one can see how much is taken.
std::atomic<int> buffers_taken = 0;

TEST(Loader, TakesTheMemoryOfBatchesFromWhereItIsTold) {
  static constexpr HostMemory memory{[](std::size_t bytes) {
                                       ++buffers_taken;
                                       return ordinary_memory().take(bytes);
                                     },
                                     [](std::byte* taken, std::size_t bytes) noexcept {
                                       --buffers_taken;
                                       ordinary_memory().give_back(taken, bytes);
                                     }};
  {
    const NumberDataset dataset(30);
    LoaderOptions options = epochs(1);
    options.memory = &memory;
    DecodePool pool(2);
    Loader loader(pool, dataset, BatchPlan{30, 3, 3, 1}, options);
    for (int i = 0; i < 10; ++i) {
      loader.recycle(loader.next(0));
    }
    // Two fields; a batch in use and two ahead.
    EXPECT_LE(buffers_taken, 2 * 3);
    EXPECT_GT(buffers_taken, 0);
  }
  EXPECT_EQ(buffers_taken, 0);
}

TEST(Loader, SleepsWhileTheConsumerIsSlow) {
  const NumberDataset dataset(64);
  DecodePool pool(8);
  Loader loader(pool, dataset, BatchPlan{64, 4, 4, 1}, epochs(4));
  const double before = cpu_seconds_of_process();
  for (int i = 0; i < 10; ++i) {
    loader.recycle(loader.next(0));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  // A single thread that spins would use half a second.
  EXPECT_LT(cpu_seconds_of_process() - before, 0.1);
}

}  // namespace
}  // namespace lockstep::data::loader_test
