#include "lockstep/metrics/share_out.h"

#include <algorithm>

#include "lockstep/base/error.h"
#include "lockstep/base/parallel_for.h"

namespace lockstep::metrics {

void share_out(int threads, std::int64_t count, const std::function<void(std::int64_t, std::int64_t)>& work) {
  LOCKSTEP_ASSERT(threads >= 1, "work needs a thread");
  const std::int64_t parts = std::min<std::int64_t>(threads, count);
  if (parts <= 1) {
    work(0, count);
    return;
  }
  parallel_for(static_cast<std::size_t>(parts), threads, [&](std::size_t place) {
    const auto part = static_cast<std::int64_t>(place);
    work(count * part / parts, count * (part + 1) / parts);
  });
}

}  // namespace lockstep::metrics
