#include "lockstep/parallel/world.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "lockstep/base/error.h"
#include "lockstep/base/log.h"
#include "lockstep/base/text.h"
#include "lockstep/parallel/core/rendezvous.h"
#include "lockstep/parallel/devices.h"
#include "lockstep/parallel/meeting_place.h"
#include "lockstep/parallel/placement.h"

namespace lockstep::parallel {
namespace {

/// Tells this machine from others, a container from its neighbours.
std::string machine_name() {
  char host[HOST_NAME_MAX + 1] = {};
  ::gethostname(host, sizeof host - 1);
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  return text(host, " ", boot, " ");
}

/// The cores that this process may use, as a list of numbers.
std::string allowed_cores() {
  cpu_set_t allowed;
  std::string cores;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      cores += CPU_ISSET(core, &allowed) ? text(core, " ") : "";
    }
  }
  return cores;
}

c10::intrusive_ptr<c10d::Store> open_store(const Placement& placement, Seconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = placement.port;
  options.isServer = placement.keeps_store;
  options.numWorkers = static_cast<std::size_t>(placement.size);
  options.waitWorkers = false;  // they are waited for by name, later
  options.timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout);
  const std::string where = text(placement.address, ":", placement.port);
  try {
    return c10::make_intrusive<c10d::PrefixStore>(text("lockstep/", placement.attempt),
                                                  c10::make_intrusive<c10d::TCPStore>(placement.address, options));
  } catch (const std::exception& error) {
    if (std::string(error.what()).find("EADDRINUSE") != std::string::npos) {
      throw MachineError(
          text("port ", placement.port, " (MASTER_PORT) is taken by another program, perhaps another run"),
          text("give a free one: MASTER_PORT=", placement.port + 1, ", or torchrun --master-port ", placement.port + 1,
               "; torchrun --standalone finds one by itself"));
    }
    throw MachineError(text(rank_name(placement.rank), " cannot reach the store of the run at ", where, " (",
                            "MASTER_ADDR, MASTER_PORT)"),
                       "see whether the process of rank 0 runs, and whether a firewall is between");
  }
}

/// The GPU of a process that has not been given one by name.
c10::Device device_by_number(const std::vector<c10::Device>& seen, int local_rank, int local_size) {
  const auto place = static_cast<std::size_t>(local_rank);
  if (seen.size() == 1) {
    return seen[0];  // the CPU, or the one GPU that the launcher lets this process see
  }
  if (place >= seen.size()) {
    throw MachineError(text("this machine shows ", seen.size(), " GPUs, and ", local_size, " processes run on it"),
                       "start one process for each GPU");
  }
  return seen[place];
}

c10::Device own_device(const std::string& words, const Placement& placement, int local_size) {
  const std::vector<c10::Device> named = parse_devices(words);
  if (words == "auto" || words == "cuda" || words == "cpu") {
    return device_by_number(named, placement.local_rank, local_size);
  }
  if (named.size() != static_cast<std::size_t>(local_size)) {
    throw UsageError(
        text("--devices ", words, " names ", named.size(), named.size() == 1 ? " rank" : " ranks", ", but ",
             placement.launcher, " has started ", local_size, " processes on this machine, with one rank each"),
        "leave --devices out, or give cpu or cuda");
  }
  return named.at(static_cast<std::size_t>(placement.local_rank));
}

/// Tells the others of a failure, and says whether none of them has told of one before.
bool is_first_to_fail(MeetingPlace& place, const std::string& reason) {
  try {
    return place.abandon(reason);
  } catch (const std::exception&) {
    return true;  // the store went with the process that kept it: the others see that by themselves
  }
}

World join(const std::string& devices, const Placement& placement, Seconds timeout) {
  const auto place = std::make_shared<MeetingPlace>(open_store(placement, timeout), placement.rank, placement.size,
                                                    timeout, placement.keeps_store);
  const std::string machine = machine_name();
  const std::string machine_and_cores = text(machine, allowed_cores());
  const std::vector<std::string> all = place->meet("start of the run", machine_and_cores);
  const auto on_this_machine = [&](const std::string& other) { return other.starts_with(machine); };

  World world({c10::kCPU});
  world.size = placement.size;
  world.first_rank = placement.rank;
  world.processes = placement.size;
  world.place = place;
  world.local_processes = static_cast<int>(std::ranges::count_if(all, on_this_machine));
  world.processes_that_share_cores = static_cast<int>(std::ranges::count(all, machine_and_cores));
  world.together([&] { world.devices = {own_device(devices, placement, world.local_processes)}; });
  return world;
}

}  // namespace

World::World(std::vector<c10::Device> devices_of_ranks)
    : size(static_cast<int>(devices_of_ranks.size())), devices(std::move(devices_of_ranks)) {}

std::string World::describe() const {
  if (!place) {
    return describe_devices(devices);
  }
  return text(size, devices.front().is_cpu() ? " CPU ranks" : " GPUs", " in ", processes, " processes");
}

void World::meet(const std::string& occasion) const {
  if (place) {
    place->meet(occasion);
  }
}

void World::together(const std::function<void()>& part) const {
  try {
    part();
  } catch (const PeerFailed&) {
    throw;  // known to all
  } catch (const std::exception& error) {
    if (place && !is_first_to_fail(*place, error.what())) {
      throw PeerFailed(error.what());
    }
    throw;
  }
}

World join_world(const std::string& devices, Seconds timeout) {
  const auto placement = read_placement(environment_variable);
  if (placement) {
    return join(devices, *placement, timeout);
  }
  if (const auto hint = hint_at_srun(environment_variable)) {
    log::warn(*hint);
  }
  return World(parse_devices(devices));
}

}  // namespace lockstep::parallel
