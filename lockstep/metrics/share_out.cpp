#include "lockstep/metrics/share_out.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "lockstep/base/error.h"

namespace lockstep::metrics {

void share_out(int threads, std::int64_t count, const std::function<void(std::int64_t, std::int64_t)>& work) {
  LOCKSTEP_ASSERT(threads >= 1, "work needs a thread");
  const std::int64_t parts = std::min<std::int64_t>(threads, count);
  if (parts <= 1) {
    work(0, count);
    return;
  }
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(parts));
  {
    std::vector<std::jthread> team;
    for (std::int64_t part = 0; part < parts; ++part) {
      team.emplace_back([&, part] {
        try {
          work(count * part / parts, count * (part + 1) / parts);
        } catch (...) {
          failures[static_cast<std::size_t>(part)] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace lockstep::metrics
