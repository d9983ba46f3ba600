#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/base/clock.h"

namespace lockstep::parallel {

class MeetingPlace;

/// The ranks of a run, and which of them live in this process: all as threads, or one where a launcher has started
/// several processes.
struct World {
  /// All ranks in this process.
  explicit World(std::vector<c10::Device> devices_of_ranks);

  int size = 1;                         ///< ranks of the run, in all processes
  int first_rank = 0;                   ///< of this process
  std::vector<c10::Device> devices;     ///< of this process' ranks
  int processes = 1;                    ///< of the run, on all machines
  int local_processes = 1;              ///< of the run, on this machine
  int processes_that_share_cores = 1;   ///< this one and those beside it that may use the same cores
  std::shared_ptr<MeetingPlace> place;  ///< of the processes; null where there is only one

  bool is_first_process() const { return first_rank == 0; }
  bool is_one_machine() const { return local_processes == processes; }

  /// "2 CPU ranks", "4 GPUs in 4 processes", for the start line.
  std::string describe() const;

  /// Collective: waits for all processes; returns at once where there is one. Throws as MeetingPlace::meet.
  void meet(const std::string& occasion) const;

  /// Goes through a part of the program that all processes go through: where it throws here, the others learn it, and
  /// wait for this process no longer. Throws what the part throws, but PeerFailed where another process was the first
  /// to fail, so that only one of them tells an error.
  void together(const std::function<void()>& part) const;
};

/// The world that the words of --devices and the environment describe. Under a launcher (see read_placement) each
/// process has one rank: on the CPU, or on the GPU with the process' number on its machine. Waits at most `timeout` for
/// the other processes. Throws UsageError where the words contradict the launcher, MachineError where the processes
/// cannot reach each other.
World join_world(const std::string& devices, Seconds timeout);

}  // namespace lockstep::parallel
