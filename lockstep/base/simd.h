#pragma once

#include <cstddef>  // lets the C library say which one it is

/// Stands before a function whose plain loops are worth the widest registers that the processor has. The compiler makes
/// a version of it for AVX-512, for AVX2 and for any x86-64; the first call picks one, so that one program fits all.
///
/// Everything that the loops call must be inlined into them. The versions give the same bits as long as a loop adds
/// nothing up across its elements and the file is compiled with -ffp-contract=off (CMakeLists.txt).
///
/// It stands for nothing where it cannot work: with clang, on other processors, without the GNU C library (which
/// resolves the versions), and under the sanitizers, which are not yet set up when that happens.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define LOCKSTEP_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_SIMD
#endif
