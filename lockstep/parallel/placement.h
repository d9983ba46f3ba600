#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lockstep::parallel {

/// What a launcher has told this process: which of the processes of a run it is, and where they find each other. Each
/// of them carries one rank.
struct Placement {
  std::string launcher;  ///< "torchrun", "Slurm" or "lockstep", for messages
  int rank = 0;
  int size = 1;        ///< processes of the run, on all machines
  int local_rank = 0;  ///< among the processes on this machine
  std::string address;
  std::uint16_t port = 0;
  bool keeps_store = false;  ///< this process opens the port; otherwise another one, or the launcher, does
  std::string attempt;       ///< tells a run that the launcher has started again from the one before
};

/// Gives the value of an environment variable, or nothing where it is not set or empty.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// That of this process.
std::optional<std::string> environment_variable(const std::string& name);

/// Reads the variables that the program sets for its own copies (see spawn.h), those of torchrun, and those of Slurm's
/// srun, whichever are there first. Gives nothing where there is only one process. Throws UsageError that names the
/// variable which is missing or no number.
std::optional<Placement> read_placement(const Environment& variable);

/// What to tell the user where a Slurm job has several tasks, but this process was not started by srun, and so trains
/// alone.
std::optional<std::string> hint_at_srun(const Environment& variable);

/// Whether torchrun has restarted the processes of this run after a failure, or Slurm has put the job in its queue
/// again: with the same command line as the first time.
bool is_started_again(const Environment& variable);

/// The first host of a list as Slurm writes it: "node03" for "node[03-05,7],other".
std::string first_host(const std::string& list);

/// The variables by which the program tells its copies their place.
inline constexpr const char* kRankVariable = "LOCKSTEP_RANK";
inline constexpr const char* kSizeVariable = "LOCKSTEP_WORLD_SIZE";
inline constexpr const char* kPortVariable = "LOCKSTEP_STORE_PORT";

}  // namespace lockstep::parallel
