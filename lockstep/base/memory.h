#pragma once

namespace lockstep {

/// Makes the allocator keep what is freed instead of giving it back to the system each time: a training step allocates
/// the same buffers again and again, and fetching their pages anew costs small networks a fifth of their time. For the
/// whole process, once, before threads start.
void keep_freed_memory();

}  // namespace lockstep
