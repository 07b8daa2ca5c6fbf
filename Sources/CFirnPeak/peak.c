#include "CFirnPeak.h"

// Two units with a latency of four or five cycles want ten chains; with the two operands they share, these fit into the
// sixteen registers of AVX2.
enum { FIRN_CHAINS = 12 };

// Without the instruction a product and a sum are two, which is then the peak.
#define FIRN_PEAK(name, lanes, attributes) \
  attributes static double name(long rounds) { \
    _Pragma("clang fp contract(fast)") \
    typedef float Vector __attribute__((ext_vector_type(lanes))); \
    volatile float seed = 0.5f; \
    Vector factor = (Vector)(seed), term = factor, chains[FIRN_CHAINS]; \
    for (int i = 0; i < FIRN_CHAINS; i++) chains[i] = (Vector)(seed * (float)i); \
    for (long round = 0; round < rounds; round++) { \
      _Pragma("clang loop unroll(full)") \
      for (int i = 0; i < FIRN_CHAINS; i++) chains[i] = chains[i] * factor + term; \
    } \
    for (int i = 0; i < FIRN_CHAINS; i++) { \
      volatile Vector sink = chains[i]; \
      (void)sink; \
    } \
    return 2.0 * (lanes) * FIRN_CHAINS * (double)rounds; \
  }

#if defined(__x86_64__)
FIRN_PEAK(multiply_and_add_512, 16, __attribute__((target("avx512f,fma"))))
FIRN_PEAK(multiply_and_add_256, 8, __attribute__((target("avx2,fma"))))
#endif
FIRN_PEAK(multiply_and_add_128, 4, )

int firn_widest_vector(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma")) return 16;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 8;
#endif
  return 4;
}

double firn_multiply_and_add(long rounds) {
#if defined(__x86_64__)
  switch (firn_widest_vector()) {
    case 16: return multiply_and_add_512(rounds);
    case 8: return multiply_and_add_256(rounds);
  }
#endif
  return multiply_and_add_128(rounds);
}
