// Every kernel for AVX-512.

#if defined(__x86_64__)

#include <immintrin.h>

#define FIRN_TABLE firn_dispatch_avx512
#define FIRN_ISA_NAME "avx512"
#if defined(FIRN_EMULATED_AVX512)
// Each vector as two of AVX2: every path of this file can be run and tested where no processor has AVX-512, slowly.
#define FIRN_TARGET __attribute__((target("avx2,fma,f16c")))
// No vector is handed to another file.
#pragma clang diagnostic ignored "-Wpsabi"
#else
#define FIRN_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,fma")))
#define FIRN_HAS_AVX512 1
#endif
#define FIRN_LANES 16
#define FIRN_HAS_FMA 1
#define FIRN_TILE_ROWS 12
#define FIRN_TILE_COLUMNS 32

#include "kernels.h"

#else

// A translation unit must not be empty.
typedef int FirnNoAVX512;

#endif
