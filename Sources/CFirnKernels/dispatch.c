// The public functions: each forwards to the table of the instruction set in use.

#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

// Portable until the constructor has run, so that another image's constructor may already call kernels.
static const FirnDispatch *firn_chosen = &firn_dispatch_portable;

// What one thread has asked for instead; null for the others.
static _Thread_local const FirnDispatch *firn_asked = NULL;

const FirnDispatch *firn_table(void) {
    return firn_asked != NULL ? firn_asked : firn_chosen;
}

#if defined(__x86_64__)
static int firn_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

static int firn_has_avx512(void) {
#if defined(FIRN_EMULATED_AVX512)
    return firn_has_avx2();
#else
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma");
#endif
}
#endif

static const FirnDispatch *firn_find(const char *name) {
    if (strcmp(name, "portable") == 0) return &firn_dispatch_portable;
#if defined(__x86_64__)
    if (strcmp(name, "avx2") == 0 && firn_has_avx2()) return &firn_dispatch_avx2;
    if (strcmp(name, "avx512") == 0 && firn_has_avx512()) return &firn_dispatch_avx512;
#endif
    return NULL;
}

int firn_select_isa(const char *name) {
    const FirnDispatch *found = firn_find(name);
    if (found != NULL) firn_asked = found;
    return found != NULL;
}

__attribute__((constructor)) static void firn_choose_isa(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    const char *asked = getenv("FIRN_ISA");
    const FirnDispatch *found = asked != NULL ? firn_find(asked) : NULL;
    if (found == NULL) found = firn_find("avx512");
    if (found == NULL) found = firn_find("avx2");
    if (found != NULL) firn_chosen = found;
}

const char *firn_isa_name(void) { return firn_table()->name; }

#define FIRN_FORWARD(function, kernel, result, parameters, arguments) \
    result function parameters { return firn_table()->kernel arguments; }

FIRN_FORWARDED_KERNELS(FIRN_FORWARD)

void firn_unary_f32(FirnUnary op, float alpha, const float *x, float *y, size_t n) {
    firn_table()->unary[op](alpha, x, y, n);
}

void firn_binary_f32(FirnBinary op, const float *a, const float *b, float *y, size_t n) {
    firn_table()->binary[op](a, b, y, n);
}

void firn_compare_f32(FirnCompare op, const float *a, const float *b, uint8_t *y, size_t n) {
    firn_table()->compare[op](a, b, y, n);
}

void firn_reduce_f32(FirnReduce op, const float *restrict x, float *restrict y,
                     size_t outer, size_t reduced, size_t inner,
                     size_t x_outer_stride, size_t x_reduced_stride, size_t y_outer_stride) {
    // The stride tells a row from a column that a caller has split off a wider array; both orders of
    // summation agree only with themselves.
    if (inner == 1 && x_reduced_stride == 1) {
        firn_table()->reduce_rows[op](x, y, outer, reduced, x_outer_stride, y_outer_stride);
        return;
    }
    for (size_t o = 0; o < outer; o++) {
        const float *from = reduced == 0 ? x : x + o * x_outer_stride;
        firn_table()->reduce_columns[op](from, y + o * y_outer_stride, reduced, inner, x_reduced_stride);
    }
}

void firn_argmax_f32(int minimum, const float *restrict x, int32_t *restrict y,
                     size_t outer, size_t reduced, size_t inner) {
    if (inner == 1) {
        firn_table()->argmax_rows(minimum, x, y, outer, reduced);
        return;
    }
    for (size_t o = 0; o < outer; o++) {
        firn_table()->argmax_columns(minimum, x + o * reduced * inner, y + o * inner, reduced, inner);
    }
}

void firn_matmul_f32(size_t m, size_t n, size_t k,
                     const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                     const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                     float *restrict c, ptrdiff_t c_row, void *restrict workspace) {
    firn_table()->matmul(m, n, k, a, a_row, a_col, b, b_row, b_col, 0, c, c_row, 0, workspace);
}

void firn_matmul_packed_f32(size_t m, size_t n, size_t k,
                            const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                            const float *restrict panels, float *restrict c, ptrdiff_t c_row,
                            void *restrict workspace) {
    firn_table()->matmul(m, n, k, a, a_row, a_col, panels, FIRN_PANEL_COLUMNS, 1,
                         (ptrdiff_t)k * FIRN_PANEL_COLUMNS, c, c_row, 0, workspace);
}

void firn_matmul_continue_f32(size_t m, size_t n, size_t k,
                              const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                              const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                              float *restrict c, ptrdiff_t c_row, void *restrict workspace) {
    firn_table()->matmul(m, n, k, a, a_row, a_col, b, b_row, b_col, 0, c, c_row, 1, workspace);
}

void firn_philox_u32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                     size_t first, uint32_t *y, size_t n) {
    firn_table()->philox((FirnStream){k0, k1, c1, c2, c3}, first, y, n);
}

void firn_random_uniform_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                             size_t first, float low, float high, float *y, size_t n) {
    firn_table()->uniform((FirnStream){k0, k1, c1, c2, c3}, first, low, high, y, n);
}

void firn_random_normal_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                            size_t first, float mean, float deviation, float *y, size_t n) {
    firn_table()->normal((FirnStream){k0, k1, c1, c2, c3}, first, mean, deviation, y, n);
}

void firn_dropout_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                      size_t first, float rate, const float *x, float *y, size_t n) {
    firn_table()->dropout((FirnStream){k0, k1, c1, c2, c3}, first, rate, x, y, n);
}
