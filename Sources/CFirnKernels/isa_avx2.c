// Every kernel for AVX2 with fused multiply-add and conversions of binary16, which all processors with these have.

#if defined(__x86_64__)

#include <immintrin.h>

#define FIRN_TABLE firn_dispatch_avx2
#define FIRN_ISA_NAME "avx2"
#define FIRN_TARGET __attribute__((target("avx2,fma,f16c")))
#define FIRN_LANES 8
#define FIRN_HAS_FMA 1
#define FIRN_TILE_ROWS 6
#define FIRN_TILE_COLUMNS 16

#include "kernels.h"

#else

// A translation unit must not be empty.
typedef int FirnNoAVX2;

#endif
