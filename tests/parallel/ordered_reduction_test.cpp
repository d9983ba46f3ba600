#include "lockstep/parallel/ordered_reduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <stdexcept>

namespace lockstep::parallel::ordered_reduction_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Notes what it is asked for.
class NotedReduction : public OrderedReduction {
 public:
  NotedReduction() : OrderedReduction({at::zeros({1}), at::zeros({10}), at::zeros({100})}) {}

  std::vector<std::size_t> noted;
  std::vector<std::size_t> begun;
  std::vector<std::size_t> waited_for;

 private:
  void note_ready(std::size_t buffer) override { noted.push_back(buffer); }
  void begin_sum(std::size_t buffer) override { begun.push_back(buffer); }
  void wait_for(std::size_t buffer) override { waited_for.push_back(buffer); }
};

TEST(OrderedReduction, BeginsSumsInTheOrderOfTheBuffersInEveryStep) {
  NotedReduction reduction;
  for (int step = 0; step < 2; ++step) {
    reduction.noted.clear();
    reduction.begun.clear();
    reduction.begin();
    EXPECT_EQ(reduction.bytes_under_way(), 0);
    reduction.ready(2);
    EXPECT_THAT(reduction.begun, IsEmpty());
    reduction.ready(0);
    EXPECT_THAT(reduction.begun, ElementsAre(0));
    EXPECT_EQ(reduction.bytes_under_way(), 4);
    reduction.ready(1);
    EXPECT_THAT(reduction.begun, ElementsAre(0, 1, 2));
    EXPECT_EQ(reduction.bytes_under_way(), 444);
    EXPECT_THAT(reduction.noted, ElementsAre(2, 0, 1));
    reduction.wait();
  }
  EXPECT_THAT(reduction.waited_for, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(OrderedReduction, ABufferIsReadyOnceAStepAndAllAreBeforeTheWait) {
  NotedReduction reduction;
  reduction.begin();
  reduction.ready(1);
  EXPECT_THROW(reduction.ready(1), std::logic_error);
  reduction.ready(0);
  EXPECT_THROW(reduction.wait(), std::logic_error);
  EXPECT_THAT(reduction.waited_for, IsEmpty());
}

}  // namespace
}  // namespace lockstep::parallel::ordered_reduction_test
