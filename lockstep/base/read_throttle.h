#pragma once

#include <cstddef>

namespace lockstep {

/// From now on all calls of read_file_into in the process together get so many bytes a second, as from a slow disk, so
/// that one can be planted. 0: as many as there are, which is the default.
void throttle_reads(double bytes_per_second);

/// Waits until the disk that throttle_reads pretends has given so many bytes more.
void await_throttled_read(std::size_t bytes);

}  // namespace lockstep
