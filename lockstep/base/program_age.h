#pragma once

namespace lockstep {

/// How long this program has been running, in seconds, from the start of its process on: the loading of its libraries
/// counts. Where it is a copy that another process of the same program has started, from the start of that one.
double program_age_seconds();

}  // namespace lockstep
