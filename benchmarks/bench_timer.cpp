// What it costs to account for the time of a step: a mark at every part, and the end of the step.

#include <iterator>

#include "benchmarks/protocol.h"
#include "lockstep/base/clock.h"
#include "lockstep/base/probe.h"
#include "lockstep/observe/step_timer.h"

namespace lockstep::benchmarks {
namespace {

using observe::Part;

constexpr int kSteps = 100'000;

/// The marks of a step of one pass.
constexpr Part kParts[] = {Part::kWait, Part::kCopy, Part::kForward, Part::kBackward, Part::kReduce, Part::kUpdate};

Figures run_round() {
  const ProbedThread probed("rank 0");
  observe::StepTimer timer;
  const Stopwatch watch;
  for (int step = 0; step < kSteps; ++step) {
    for (const Part part : kParts) {
      timer.enter(part);
    }
    timer.end_step();
  }
  constexpr double kNanosecond = 1e-9;
  const double step_ns = watch.seconds() / kSteps / kNanosecond;
  return {{"step_ns", step_ns}, {"mark_ns", step_ns / static_cast<double>(std::size(kParts) + 1)}};
}

}  // namespace
}  // namespace lockstep::benchmarks

int main() { lockstep::benchmarks::serve(lockstep::benchmarks::run_round); }
