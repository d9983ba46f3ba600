#pragma once

#include <cstdint>
#include <functional>

namespace lockstep::metrics {

/// Calls `work(begin, end)` for parts of [0, count) that follow each other, one part a thread, and waits for all. What
/// a part throws is thrown again. `threads` is at least 1.
void share_out(int threads, std::int64_t count, const std::function<void(std::int64_t, std::int64_t)>& work);

}  // namespace lockstep::metrics
