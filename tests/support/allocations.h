#pragma once

namespace lockstep::test {

/// How often operator new was called so far, by all threads. A program that uses this gets operators that count.
long allocations();

}  // namespace lockstep::test
