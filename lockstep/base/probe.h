#pragma once

#include <atomic>
#include <string>
#include <vector>

namespace lockstep {

/// Says what the calling thread is doing for as long as it lives, so that another thread can name it ("rank 1: wait for
/// data"). Activities must be string literals. Scopes nest; the innermost is what is seen. Costs two atomic stores.
class ProbeScope {
 public:
  explicit ProbeScope(const char* activity);
  ~ProbeScope();
  ProbeScope(const ProbeScope&) = delete;
  ProbeScope& operator=(const ProbeScope&) = delete;

 private:
  const char* before_;
};

/// Gives the calling thread a name under which its activities are seen, until the object goes.
class ProbedThread {
 public:
  explicit ProbedThread(std::string name);
  ~ProbedThread();
  ProbedThread(const ProbedThread&) = delete;
  ProbedThread& operator=(const ProbedThread&) = delete;
};

struct ProbeReading {
  std::string thread;    ///< as named by ProbedThread
  std::string activity;  ///< "idle" where there is none
};

/// What every named thread is doing just now, in the order in which they were named.
std::vector<ProbeReading> read_probes();

/// What the thread of that name is doing, or "gone" where there is none.
std::string read_probe(const std::string& thread);

}  // namespace lockstep
