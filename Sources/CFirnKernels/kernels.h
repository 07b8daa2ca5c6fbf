// Template, included once by each isa_*.c: all kernels, and the table that names them.
//
// The including file defines FIRN_TABLE, FIRN_ISA_NAME, FIRN_TARGET, FIRN_LANES, FIRN_HAS_FMA,
// FIRN_TILE_ROWS and FIRN_TILE_COLUMNS, and FIRN_HAS_AVX512 where instructions of AVX-512 alone may be used.
// No include guards in the templates: each is read once a file.

#include "dispatch.h"

#include <math.h>
#include <string.h>

// Contraction would let the compiler choose the rounding; fused operations are written out instead.
#pragma STDC FP_CONTRACT OFF

// A kernel without a row could never be called. An error, because as a warning it would escape -Werror.
#pragma clang diagnostic error "-Wunused-function"

#include "kernels_vector.h"
#include "kernels_math.h"
#include "kernels_elementwise.h"
#include "kernels_reduce.h"
#include "kernels_softmax.h"
#include "kernels_tile.h"
#include "kernels_matmul.h"
#include "kernels_double.h"
#include "kernels_convolution.h"
#include "kernels_stored.h"
#include "kernels_winograd.h"
#include "kernels_pooling.h"
#include "kernels_random.h"

#define FIRN_UNARY_ENTRY(NAME, name, ...) [FIRN_##NAME] = unary_##name,
#define FIRN_BINARY_ENTRY(NAME, name, ...) [FIRN_##NAME] = binary_##name,
#define FIRN_COMPARE_ENTRY(NAME, name, ...) [FIRN_##NAME] = compare_##name,
#define FIRN_REDUCE_ROWS_ENTRY(NAME, name, ...) [FIRN_##NAME] = name##_rows,
#define FIRN_REDUCE_COLUMNS_ENTRY(NAME, name, ...) [FIRN_##NAME] = name##_columns,
#define FIRN_FORWARDED_ENTRY(function, kernel, ...) .kernel = kernel,
#define FIRN_OTHER_ENTRY(kernel, ...) .kernel = kernel,

const FirnDispatch FIRN_TABLE = {
    .name = FIRN_ISA_NAME,
    .unary = {FIRN_UNARY_TABLE(FIRN_UNARY_ENTRY)},
    .binary = {FIRN_BINARY_TABLE(FIRN_BINARY_ENTRY, FIRN_BINARY_ENTRY)},
    .compare = {FIRN_COMPARE_TABLE(FIRN_COMPARE_ENTRY)},
    .reduce_rows = {FIRN_REDUCE_TABLE(FIRN_REDUCE_ROWS_ENTRY)},
    .reduce_columns = {FIRN_REDUCE_TABLE(FIRN_REDUCE_COLUMNS_ENTRY)},
    FIRN_FORWARDED_KERNELS(FIRN_FORWARDED_ENTRY)
    FIRN_OTHER_KERNELS(FIRN_OTHER_ENTRY)
};
