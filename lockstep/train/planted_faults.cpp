#include "lockstep/train/planted_faults.h"

#include <torch/torch.h>

#include <array>
#include <chrono>
#include <csignal>
#include <limits>
#include <stdexcept>
#include <thread>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/read_throttle.h"
#include "lockstep/base/text.h"

namespace lockstep::train {
namespace {

/// The faults that strike a rank's pass over `samples` samples.
std::vector<Fault> planted(const TrainOptions& options, int rank, std::int64_t step, std::uint64_t samples) {
  std::vector<Fault> faults = parse_faults(options.faults);
  std::erase_if(faults, [&](const Fault& fault) { return !fault.strikes(rank, step + 1, samples); });
  return faults;
}

void pause_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

[[noreturn]] void run_out_of_memory(const char* pass) {
  C10_THROW_ERROR(OutOfMemoryError, text("out of memory, as planted in a ", pass, " pass"));
}

void strike_before_forward(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kOomForward:
      run_out_of_memory("forward");
    case FaultKind::kThrow:
      throw std::runtime_error("an error that was planted");
    case FaultKind::kHang:
      if (fault.seconds) {
        pause_for(*fault.seconds);
      }
      while (!fault.seconds) {
        pause_for(1);
      }
      return;
    case FaultKind::kSlow:
      pause_for(fault.seconds.value_or(1));
      return;
    case FaultKind::kKill:
      std::raise(SIGKILL);
      return;
    case FaultKind::kDiskFull:
      let_writes_fail(fault.seconds.value_or(std::numeric_limits<double>::infinity()));
      return;
    case FaultKind::kNanLoss:
    case FaultKind::kInfGrad:
    case FaultKind::kOomBackward:
    case FaultKind::kBadSample:
      return;  // they strike elsewhere
  }
}

}  // namespace

void plant_slow_disk(const TrainOptions& options) {
  constexpr double kMebibyte = 1 << 20;
  throttle_reads(options.throttled_mebibytes.value_or(0) * kMebibyte);
}

void plant_slow_rank(const TrainOptions& options, int rank) {
  if (options.slow_rank == rank) {
    pause_for(options.slow_milliseconds / 1e3);
  }
}

void plant_in_batch(const Plan& plan, int rank, std::int64_t step, data::Batch& batch) {
  for (const Fault& fault : planted(plan.options, rank, step, batch.size())) {
    if (fault.kind != FaultKind::kBadSample || batch.size() == 0) {
      continue;
    }
    const data::Dataset& dataset = plan.task.training_set();
    const std::uint64_t index = batch.draws.front().index;
    const DataError error(text("'", dataset.name(index), "' cannot be read, as planted"), "take --inject away");
    if (plan.bad_samples == nullptr) {
      throw error;
    }
    plan.bad_samples->note(dataset, index, std::make_exception_ptr(error));
    plan.bad_samples->check();
    data::leave_out(batch, std::array<std::size_t, 1>{0});
  }
}

void plant_before_forward(const TrainOptions& options, int rank, std::int64_t step, std::uint64_t samples) {
  for (const Fault& fault : planted(options, rank, step, samples)) {
    strike_before_forward(fault);
  }
}

at::Tensor plant_after_forward(const TrainOptions& options, int rank, std::int64_t step, const at::Tensor& losses) {
  at::Tensor struck = losses;
  const auto samples = static_cast<std::uint64_t>(losses.size(0));
  for (const Fault& fault : planted(options, rank, step, samples)) {
    if (fault.kind == FaultKind::kNanLoss && samples > 0) {
      at::Tensor factors = at::ones_like(struck);
      factors[0] = std::numeric_limits<float>::quiet_NaN();
      struck = struck * factors;
    } else if (fault.kind == FaultKind::kInfGrad) {
      struck = struck * 1;  // whose hook is its own
      struck.register_hook(
          [](const at::Tensor& gradient) { return gradient * std::numeric_limits<float>::infinity(); });
    } else if (fault.kind == FaultKind::kOomBackward) {
      struck = struck * 1;
      struck.register_hook([](const at::Tensor&) { run_out_of_memory("backward"); });
    }
  }
  return struck;
}

}  // namespace lockstep::train
