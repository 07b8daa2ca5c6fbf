// How a thread takes numbers too small for a full mantissa: the one part of its floating-point mode that kernels want set.

#include "include/CFirnKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Flush to zero (results) and denormals are zero (operands), of `float` and `double` alike.
#define FIRN_FLUSHING 0x8040u

static uint64_t firn_mode(void) { return _mm_getcsr(); }

static void firn_set_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }

#elif defined(__aarch64__)

// FZ: operands and results.
#define FIRN_FLUSHING (1ull << 24)

static uint64_t firn_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

static void firn_set_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

#else

#define FIRN_FLUSHING 0u

static uint64_t firn_mode(void) { return 0; }

static void firn_set_mode(uint64_t mode) { (void)mode; }

#endif

int firn_flushes_denormals(void) { return FIRN_FLUSHING != 0 && (firn_mode() & FIRN_FLUSHING) == FIRN_FLUSHING; }

uint64_t firn_flush_denormals(void) {
    const uint64_t mode = firn_mode();
    if ((mode & FIRN_FLUSHING) != FIRN_FLUSHING) firn_set_mode(mode | FIRN_FLUSHING);
    return mode & FIRN_FLUSHING;
}

void firn_restore_denormals(uint64_t before) {
    // What else the thread has set or raised meanwhile is its own.
    const uint64_t mode = firn_mode();
    if ((mode & FIRN_FLUSHING) != before) firn_set_mode((mode & ~(uint64_t)FIRN_FLUSHING) | before);
}
