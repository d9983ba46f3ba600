#pragma once

#include <cstddef>
#include <functional>

namespace lockstep {

/// Calls work(0) … work(count - 1) in threads of its own, which begin them in rising order, and waits for all. After a
/// call that throws no further one begins; what the first of them, by number, threw is thrown again.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& work);

}  // namespace lockstep
