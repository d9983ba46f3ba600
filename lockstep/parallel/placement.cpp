#include "lockstep/parallel/placement.h"

#include <charconv>
#include <cstdlib>

#include "lockstep/base/error.h"
#include "lockstep/base/text.h"

namespace lockstep::parallel {
namespace {

constexpr int kHighestPort = 65535;

class Variables {
 public:
  Variables(const Environment& variable, std::string launcher) : variable_(variable), launcher_(std::move(launcher)) {}

  std::optional<std::string> find(const std::string& name) const { return variable_(name); }

  std::string need(const std::string& name) const {
    const auto value = find(name);
    if (!value) {
      throw UsageError(text(launcher_, " has started this process, but ", name, " is not in its environment"),
                       "set it as docs/launching.md says");
    }
    return *value;
  }

  int number(const std::string& name, int lowest, int highest) const {
    const std::string digits = need(name);
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size() || number < lowest || number > highest) {
      throw UsageError(text("the environment variable ", name, " is '", digits, "'"),
                       text("it must be a whole number from ", lowest, " to ", highest));
    }
    return number;
  }

  int count(const std::string& name) const { return number(name, 1, 1 << 20); }
  int index(const std::string& name, int count) const { return number(name, 0, count - 1); }
  std::uint16_t port(const std::string& name) const {
    return static_cast<std::uint16_t>(number(name, 1, kHighestPort));
  }

 private:
  const Environment& variable_;
  std::string launcher_;
};

Placement own_copy(const Environment& environment) {
  const Variables variables(environment, "lockstep");
  Placement placement;
  placement.launcher = "lockstep";
  placement.size = variables.count(kSizeVariable);
  placement.rank = variables.index(kRankVariable, placement.size);
  placement.local_rank = placement.rank;
  placement.address = "127.0.0.1";
  placement.port = variables.port(kPortVariable);
  return placement;
}

/// https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables
Placement by_torchrun(const Environment& environment) {
  const Variables variables(environment, "torchrun");
  Placement placement;
  placement.launcher = "torchrun";
  placement.size = variables.count("WORLD_SIZE");
  placement.rank = variables.index("RANK", placement.size);
  placement.local_rank = variables.index("LOCAL_RANK", placement.size);
  placement.address = variables.need("MASTER_ADDR");
  placement.port = variables.port("MASTER_PORT");
  placement.keeps_store = placement.rank == 0 && variables.find("TORCHELASTIC_USE_AGENT_STORE") != "True";
  placement.attempt = variables.find("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return placement;
}

/// The tasks that srun has started together. A job may have several such steps, of fewer tasks and machines than it has
/// itself; a batch script is no step, though it has the SLURM_PROCID 0, and the SLURM_NTASKS of the job.
constexpr const char* kTasksOfStep = "SLURM_STEP_NUM_TASKS";

/// A port that two jobs on one machine hardly share, below those that the system gives out by itself.
std::uint16_t port_of_job(const std::string& job) {
  constexpr std::uint64_t kFirst = 20000;
  constexpr std::uint64_t kCount = 10000;
  return static_cast<std::uint16_t>(kFirst + std::strtoull(job.c_str(), nullptr, 10) % kCount);
}

/// https://slurm.schedmd.com/srun.html#SECTION_OUTPUT-ENVIRONMENT-VARIABLES
Placement by_slurm(const Environment& environment) {
  const Variables variables(environment, "Slurm");
  Placement placement;
  placement.launcher = "Slurm";
  placement.size = variables.count(kTasksOfStep);
  placement.rank = variables.index("SLURM_PROCID", placement.size);
  placement.local_rank = variables.index("SLURM_LOCALID", placement.size);
  const auto address = variables.find("MASTER_ADDR");
  const auto hosts = variables.find("SLURM_STEP_NODELIST");
  placement.address = address ? *address : first_host(hosts ? *hosts : variables.need("SLURM_JOB_NODELIST"));
  placement.port =
      variables.find("MASTER_PORT") ? variables.port("MASTER_PORT") : port_of_job(variables.need("SLURM_JOB_ID"));
  placement.keeps_store = placement.rank == 0;
  placement.attempt = variables.find("SLURM_STEP_ID").value_or("0");
  return placement;
}

std::optional<Placement> of_launcher(const Environment& variable) {
  if (variable(kRankVariable)) {
    return own_copy(variable);
  }
  if (variable("RANK") && variable("WORLD_SIZE")) {
    return by_torchrun(variable);
  }
  if (variable("SLURM_PROCID") && variable(kTasksOfStep)) {
    return by_slurm(variable);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::optional<Placement> read_placement(const Environment& variable) {
  const auto placement = of_launcher(variable);
  return placement && placement->size > 1 ? placement : std::nullopt;
}

std::optional<std::string> hint_at_srun(const Environment& variable) {
  const auto tasks = variable("SLURM_NTASKS");
  if (of_launcher(variable) || !variable("SLURM_JOB_ID") || !tasks || *tasks == "1") {
    return std::nullopt;
  }
  return text("this Slurm job has ", *tasks,
              " tasks, but only this process trains: srun lockstep … in the batch script starts them all");
}

bool is_started_again(const Environment& variable) {
  return variable("TORCHELASTIC_RESTART_COUNT").value_or("0") != "0" ||
         variable("SLURM_RESTART_COUNT").value_or("0") != "0";
}

std::string first_host(const std::string& list) {
  std::string host;
  for (std::size_t i = 0; i < list.size() && list[i] != ','; ++i) {
    if (list[i] != '[') {
      host += list[i];
      continue;
    }
    const std::size_t close = list.find(']', i);
    const std::string numbers = list.substr(i + 1, close == std::string::npos ? close : close - i - 1);
    host += numbers.substr(0, numbers.find_first_of("-,"));
    if (close == std::string::npos) {
      break;
    }
    i = close;
  }
  return host;
}

}  // namespace lockstep::parallel
