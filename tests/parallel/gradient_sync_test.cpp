#include "lockstep/parallel/gradient_sync.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>

#include "lockstep/parallel/launch.h"

namespace lockstep::parallel::gradient_sync_test {
namespace {

const std::vector<c10::Device> kTwoRanks = {c10::kCPU, c10::kCPU};

at::Tensor ones(std::int64_t count) { return torch::ones({count}, torch::requires_grad()); }

TEST(GradientSync, SumsOverRanksAndAgreesOnUse) {
  launch(kTwoRanks, {}, [](Rank& rank) {
    const at::Tensor both = ones(3);
    const at::Tensor first_only = ones(3);
    const at::Tensor nobody = ones(3);
    Arena arena({{"both", both, 0}, {"first_only", first_only, 0}, {"nobody", nobody, 0}}, 1 << 20);
    GradientSync sync(arena, rank.group);
    for (int step = 0; step < 3; ++step) {
      sync.begin();
      sync.before_last_pass();
      at::Tensor loss = (both * (rank.index + 1)).sum();
      if (rank.is_first()) {
        loss = loss + (first_only * 5).sum();
      }
      loss.backward();
      sync.finish();
      EXPECT_TRUE(at::equal(both.grad(), torch::full({3}, 3.0F)));
      EXPECT_TRUE(at::equal(first_only.grad(), torch::full({3}, 5.0F)));
      for (const Slot& slot : arena.buckets()[0].slots) {
        EXPECT_EQ(slot.used, slot.name != "nobody") << slot.name;
      }
    }
  });
}

TEST(GradientSync, ARankWithoutSamplesContributesZeros) {
  launch(kTwoRanks, {}, [](Rank& rank) {
    const at::Tensor weight = ones(40);
    Arena arena({{"weight", weight, 0}}, 1 << 20);
    GradientSync sync(arena, rank.group);
    for (const int worker : {0, 1}) {  // what the one before left behind must not count
      sync.begin();
      if (rank.index == worker) {
        sync.before_last_pass();
        (weight * 4).sum().backward();
      }
      sync.finish();
      EXPECT_TRUE(at::equal(weight.grad(), torch::full({40}, 4.0F)));
    }
  });
}

/// Throws in the middle of backward.
class Bomb : public torch::autograd::Function<Bomb> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& input) { return input.clone(); }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*, torch::autograd::variable_list) {
    throw std::runtime_error("bang");
  }
};

TEST(GradientSync, ARankThatFailsInBackwardStrandsNobody) {
  launch(kTwoRanks, {}, [](Rank& rank) {
    const at::Tensor early = ones(100);
    const at::Tensor late = ones(100);
    Arena arena({{"late", late, 0}, {"early", early, 0}}, 1);
    GradientSync sync(arena, rank.group);
    for (const bool fails : {true, false}) {
      sync.begin();
      sync.before_last_pass();
      at::Tensor hidden = early * 2;
      if (fails && rank.index == 1) {
        hidden = Bomb::apply(hidden);
        EXPECT_THROW((hidden * late).sum().backward(), std::runtime_error);
        sync.give_up();
      } else {
        (hidden * late).sum().backward();
      }
      sync.finish();
      // What had landed before the failure is in the sum; the rest of the failed rank's share is zeros.
      EXPECT_TRUE(at::equal(late.grad(), torch::full({100}, 4.0F)));
      EXPECT_TRUE(at::equal(early.grad(), torch::full({100}, fails ? 2.0F : 4.0F)));
    }
  });
}

TEST(GradientSync, ReportsWhatWasSummedDuringBackward) {
  std::atomic<std::int64_t> early_bytes{0};
  launch(kTwoRanks, {}, [&](Rank& rank) {
    const at::Tensor first = ones(1000);
    const at::Tensor second = ones(1000);
    Arena arena({{"first", first, 0}, {"second", second, 0}}, 1);
    GradientSync sync(arena, rank.group);
    sync.begin();
    sync.before_last_pass();
    (first * 2).sum().backward();
    rank.group.barrier();  // now `first` is final on both ranks
    (second * 2).sum().backward();
    const SyncReport report = sync.finish();
    EXPECT_EQ(report.bytes, static_cast<std::int64_t>((1000 + 1000 + 8 + 8 + 16 + 16) * sizeof(float)));
    early_bytes += report.early_bytes;
  });
  // Whoever was second with `first` has summed its share of it; both have when `second` landed.
  EXPECT_GE(early_bytes, static_cast<std::int64_t>(2 * 1000 * sizeof(float)));
}

TEST(GradientSync, OneRankExchangesNothing) {
  launch({c10::kCPU}, {}, [](Rank& rank) {
    const at::Tensor weight = ones(3);
    Arena arena({{"weight", weight, 0}}, 1);
    GradientSync sync(arena, rank.group);
    sync.begin();
    sync.before_last_pass();
    (weight * 2).sum().backward();
    EXPECT_EQ(sync.finish().bytes, 0);
    EXPECT_TRUE(at::equal(weight.grad(), torch::full({3}, 2.0F)));
  });
}

TEST(GradientSync, AllRanksTakeTheFirstOnesLandingOrder) {
  launch(kTwoRanks, {}, [](Rank& rank) {
    const at::Tensor a = ones(3);
    const at::Tensor b = ones(3);
    Arena arena({{"a", a, 0}, {"b", b, 0}}, 1);
    GradientSync sync(arena, rank.group);
    sync.begin();
    sync.before_last_pass();
    for (const at::Tensor& weight : rank.is_first() ? std::vector{b, a} : std::vector{a, b}) {
      (weight * 2).sum().backward();
    }
    sync.finish();
    EXPECT_EQ(agree_on_landing_order(arena, rank.group), (std::vector<std::string>{"b", "a"}));
  });
}

}  // namespace
}  // namespace lockstep::parallel::gradient_sync_test
