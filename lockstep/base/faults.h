#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

/// Faults that are planted on purpose, to see what is done about them. Free of what they strike.
namespace lockstep {

enum class FaultKind {
  kNanLoss,      ///< "nan-loss": the loss of a sample is not a number
  kInfGrad,      ///< "inf-grad": the gradients are infinite, the loss is not
  kOomForward,   ///< "oom-forward": memory runs out in a forward pass
  kOomBackward,  ///< "oom-backward": the same in a backward pass
  kThrow,        ///< "throw": a pass fails with an error of its own
  kHang,         ///< "hang": a rank stands still for `seconds`, by default for ever
  kSlow,         ///< "slow": each pass of the step takes `seconds` longer, by default 1
  kKill,         ///< "kill": the process dies of SIGKILL
  kDiskFull,     ///< "disk-full": whatever the process writes fails for `seconds`, by default for ever
  kBadSample,    ///< "bad-sample": the first sample of each pass cannot be read
};

/// A fault as it was ordered: KIND@STEP[,rank=R][,samples=N][,seconds=S].
struct Fault {
  FaultKind kind{};
  std::int64_t step = 0;                   ///< in which it strikes, from 1 as in the run's log
  std::optional<int> rank{};               ///< the only one that it strikes
  std::optional<std::uint64_t> samples{};  ///< lack of memory: in passes of more than these, from `step` on
  std::optional<double> seconds{};         ///< how long it lasts

  /// Whether it strikes a rank's pass over `samples` samples in that step.
  bool strikes(int of_rank, std::int64_t in_step, std::uint64_t of_samples) const;
};

/// Faults with ';' between them, as "nan-loss@5,rank=1;hang@9"; none in an empty text. Throws UsageError, which names
/// the words that it cannot read.
std::vector<Fault> parse_faults(const std::string& words);

/// From now on, and for so long, files cannot be written (base/files.h), as if the disk were full.
void let_writes_fail(double seconds = std::numeric_limits<double>::infinity());

/// Whether that is so just now.
bool writes_fail();

}  // namespace lockstep
