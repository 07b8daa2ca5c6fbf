// Every kernel for any processor: vectors of four lanes, which are SSE2 on x86 and NEON on Arm.

#define FIRN_TABLE firn_dispatch_portable
#define FIRN_ISA_NAME "portable"
#define FIRN_TARGET
#define FIRN_LANES 4

// Without the instruction a fused multiply-add is a library call, so it is used only where it is one.
#if defined(__ARM_FEATURE_FMA) || defined(__FMA__)
#define FIRN_HAS_FMA 1
#else
#define FIRN_HAS_FMA 0
#endif

#define FIRN_TILE_COLUMNS 8
#if defined(__aarch64__)
#define FIRN_TILE_ROWS 8
#else
#define FIRN_TILE_ROWS 4
#endif

#include "kernels.h"
