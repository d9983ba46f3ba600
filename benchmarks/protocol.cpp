#include "benchmarks/protocol.h"

#include <ATen/ATen.h>
#include <sched.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "lockstep/base/clock.h"
#include "lockstep/base/error.h"
#include "lockstep/base/memory.h"

namespace lockstep::benchmarks {
namespace {

constexpr Seconds kPatience{3600};  // the other sides of the comparison have their turns in between

void run_others_rounds(parallel::Rank& rank, const Round& run_round) {
  const at::Tensor more = at::ones({1}, at::kLong);
  while (true) {
    rank.group.broadcast(more, 0);
    if (more.item<std::int64_t>() == 0) {
      return;
    }
    run_round();
  }
}

}  // namespace

void serve(const Round& run_round) {
  std::cout << "READY" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << nlohmann::json(run_round()).dump() << std::endl;
  }
}

void serve_ranks(int ranks, const std::function<Round(parallel::Rank&)>& prepare) {
  keep_freed_memory();
  parallel::LaunchOptions options;
  options.timeout = kPatience;
  const std::vector<c10::Device> devices(static_cast<std::size_t>(ranks), c10::kCPU);
  parallel::launch(devices, options, [&](parallel::Rank& rank) {
    stay_on_core(rank.index);
    const Round run_round = prepare(rank);
    if (!rank.is_first()) {
      run_others_rounds(rank, run_round);
      return;
    }
    serve([&] {
      rank.group.broadcast(at::ones({1}, at::kLong), 0);
      return run_round();
    });
    rank.group.broadcast(at::zeros({1}, at::kLong), 0);
  });
}

void stay_on_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  LOCKSTEP_ASSERT(::sched_setaffinity(0, sizeof cores, &cores) == 0, "there is no such core");
}

double milliseconds(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double median_milliseconds(int count, const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    times.push_back(milliseconds(work));
  }
  return median(std::move(times));
}

}  // namespace lockstep::benchmarks
