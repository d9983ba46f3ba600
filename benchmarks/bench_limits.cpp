// What the memory of the machine allows: two threads sum the gradients of 11.4 M parameters, with nothing around it.

#include <barrier>
#include <cstring>
#include <thread>
#include <vector>

#include "benchmarks/protocol.h"

namespace lockstep::benchmarks {
namespace {

constexpr std::size_t kValues = 11'400'000;
constexpr int kRepeats = 9;

/// Each thread adds up one half of both ranks' gradients into a third place, from where both can read the sum.
class SharedSum {
 public:
  SharedSum() : ranks_{std::vector<float>(kValues, 1.0F), std::vector<float>(kValues, 2.0F)}, sum_(kValues) {}

  /// In milliseconds; with `copy_out` each thread then takes the whole sum home.
  double measure(bool copy_out) {
    std::barrier together(2);
    const auto work = [&](int rank) {
      stay_on_core(rank);
      together.arrive_and_wait();
      const double time = milliseconds([&] {
        add_half(static_cast<std::size_t>(rank));
        together.arrive_and_wait();
        if (copy_out) {
          std::memcpy(ranks_[rank].data(), sum_.data(), kValues * sizeof(float));
          together.arrive_and_wait();
        }
      });
      if (rank == 0) {
        time_ = time;
      }
    };
    std::jthread first(work, 0);
    std::jthread second(work, 1);
    first.join();
    second.join();
    return time_;
  }

 private:
  void add_half(std::size_t half) {
    const std::size_t begin = half * kValues / 2;
    const float* one = ranks_[0].data();
    const float* other = ranks_[1].data();
    float* sum = sum_.data();
    for (std::size_t i = begin; i < begin + kValues / 2; ++i) {
      sum[i] = one[i] + other[i];
    }
  }

  std::vector<float> ranks_[2];
  std::vector<float> sum_;
  double time_ = 0;
};

Figures run_round(SharedSum& shared) {
  std::vector<double> in_place;
  std::vector<double> copied;
  for (int i = 0; i < kRepeats; ++i) {
    in_place.push_back(shared.measure(false));
    copied.push_back(shared.measure(true));
  }
  const std::vector<float> source(kValues, 1.0F);
  std::vector<float> target(kValues);
  const double copy =
      median_milliseconds(kRepeats, [&] { std::memcpy(target.data(), source.data(), kValues * sizeof(float)); });
  return {{"sum_in_place_ms", median(in_place)}, {"sum_with_copy_out_ms", median(copied)}, {"memcpy_ms", copy}};
}

}  // namespace
}  // namespace lockstep::benchmarks

int main() {
  lockstep::benchmarks::SharedSum shared;
  lockstep::benchmarks::serve([&] { return run_round(shared); });
}
