#include "lockstep/base/memory.h"

#include <malloc.h>

namespace lockstep {

void keep_freed_memory() {
#ifdef M_MMAP_THRESHOLD  // glibc
  constexpr int kThreshold = 1 << 30;
  ::mallopt(M_MMAP_THRESHOLD, kThreshold);
  ::mallopt(M_TRIM_THRESHOLD, kThreshold);
#endif
}

}  // namespace lockstep
