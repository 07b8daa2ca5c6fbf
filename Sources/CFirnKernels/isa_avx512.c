// Every kernel for AVX-512.

#if defined(__x86_64__)

#include <immintrin.h>

#define FIRN_TABLE firn_dispatch_avx512
#define FIRN_ISA_NAME "avx512"
#define FIRN_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,fma")))
#define FIRN_LANES 16
#define FIRN_HAS_FMA 1
#define FIRN_TILE_ROWS 12
#define FIRN_TILE_COLUMNS 32

#include "kernels.h"

#else

// A translation unit must not be empty.
typedef int FirnNoAVX512;

#endif
