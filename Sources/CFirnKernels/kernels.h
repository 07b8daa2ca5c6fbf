// Template, included once by each isa_*.c: all kernels, and the table that names them.
//
// The including file defines FIRN_TABLE, FIRN_ISA_NAME, FIRN_TARGET, FIRN_LANES, FIRN_HAS_FMA,
// FIRN_TILE_ROWS and FIRN_TILE_COLUMNS. No include guards in the templates: each is read once a file.

#include "dispatch.h"

#include <math.h>
#include <string.h>

// Contraction would let the compiler choose the rounding; fused operations are written out instead.
#pragma STDC FP_CONTRACT OFF

#include "kernels_vector.h"
#include "kernels_math.h"
#include "kernels_elementwise.h"
#include "kernels_reduce.h"
#include "kernels_softmax.h"
#include "kernels_matmul.h"
#include "kernels_convolution.h"
#include "kernels_pooling.h"
#include "kernels_random.h"

const FirnDispatch FIRN_TABLE = {
    .name = FIRN_ISA_NAME,
    .unary = {
        [FIRN_NEG] = unary_neg, [FIRN_ABS] = unary_abs, [FIRN_SIGN] = unary_sign,
        [FIRN_EXP] = unary_exp, [FIRN_EXPM1] = unary_expm1, [FIRN_LOG] = unary_log,
        [FIRN_LOG1P] = unary_log1p, [FIRN_SQRT] = unary_sqrt, [FIRN_RSQRT] = unary_rsqrt,
        [FIRN_SQUARE] = unary_square, [FIRN_RECIPROCAL] = unary_reciprocal, [FIRN_SIN] = unary_sin,
        [FIRN_COS] = unary_cos, [FIRN_TANH] = unary_tanh, [FIRN_SIGMOID] = unary_sigmoid,
        [FIRN_SOFTPLUS] = unary_softplus, [FIRN_RELU] = unary_relu, [FIRN_LEAKY_RELU] = unary_leaky_relu,
        [FIRN_ELU] = unary_elu, [FIRN_GELU] = unary_gelu, [FIRN_SILU] = unary_silu, [FIRN_ERF] = unary_erf,
        [FIRN_FLOOR] = unary_floor, [FIRN_CEIL] = unary_ceil, [FIRN_ROUND] = unary_round,
    },
    .binary = {
        [FIRN_ADD] = binary_add, [FIRN_SUB] = binary_sub, [FIRN_MUL] = binary_mul, [FIRN_DIV] = binary_div,
        [FIRN_POW] = binary_pow, [FIRN_MAX] = binary_max, [FIRN_MIN] = binary_min,
        [FIRN_SIGMOID_CROSS_ENTROPY] = binary_sigmoid_cross_entropy,
    },
    .compare = {
        [FIRN_EQUAL] = compare_equal, [FIRN_NOT_EQUAL] = compare_not_equal,
        [FIRN_LESS] = compare_less, [FIRN_LESS_EQUAL] = compare_less_equal,
        [FIRN_GREATER] = compare_greater, [FIRN_GREATER_EQUAL] = compare_greater_equal,
    },
    .select = select_32,
    .reduce_rows = {
        [FIRN_REDUCE_SUM] = sum_rows, [FIRN_REDUCE_MAX] = max_rows,
        [FIRN_REDUCE_MIN] = min_rows, [FIRN_REDUCE_PROD] = prod_rows,
    },
    .reduce_columns = {
        [FIRN_REDUCE_SUM] = sum_columns, [FIRN_REDUCE_MAX] = max_columns,
        [FIRN_REDUCE_MIN] = min_columns, [FIRN_REDUCE_PROD] = prod_columns,
    },
    .argmax_rows = argmax_rows,
    .argmax_columns = argmax_columns,
    .squared_difference_sum = squared_difference_sum,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .sparse_cross_entropy = sparse_cross_entropy,
    .cross_entropy = cross_entropy,
    .matmul_workspace = matmul_workspace,
    .matmul = matmul,
    .window_matmul = window_matmul,
    .window_transposed_matmul = window_transposed_matmul,
    .depthwise = depthwise,
    .depthwise_kernel = depthwise_kernel,
    .max_pool = max_pool,
    .resample = resample,
    .philox = philox,
    .uniform = uniform,
    .normal = normal,
    .dropout = dropout,
};
