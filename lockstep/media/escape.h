#pragma once

#include <csetjmp>

namespace lockstep::media {

/// The way back to C++ out of a C library's error handler, which must not return and through whose frames no exception
/// may fly. The handler writes its message and leaves; `run` then gives false.
struct Escape {
  std::jmp_buf point;
  char message[256] = "";

  /// Runs calls of the C library and says whether they came to their end. They are left by a jump, so they must make no
  /// object that has a destructor.
  template <typename Calls>
  bool run(const Calls& calls) {
    if (setjmp(point) != 0) {
      return false;
    }
    calls();
    return true;
  }

  [[noreturn]] void leave() { std::longjmp(point, 1); }
};

}  // namespace lockstep::media
