// The dispatch table of one instruction set, and the rows it is made of. Private to this target.

#ifndef FIRN_DISPATCH_H
#define FIRN_DISPATCH_H

#include "include/CFirnKernels.h"

#define FIRN_ONE_MORE(...) + 1

enum {
    FIRN_UNARY_COUNT = 0 FIRN_UNARY_TABLE(FIRN_ONE_MORE),
    FIRN_BINARY_COUNT = 0 FIRN_BINARY_TABLE(FIRN_ONE_MORE, FIRN_ONE_MORE),
    FIRN_COMPARE_COUNT = 0 FIRN_COMPARE_TABLE(FIRN_ONE_MORE),
    FIRN_REDUCE_COUNT = 0 FIRN_REDUCE_TABLE(FIRN_ONE_MORE)
};

/// What picks a block of Philox draws: the key and the upper three words of the counter.
typedef struct {
    uint32_t k0, k1, c1, c2, c3;
} FirnStream;

/// The kernels that a public function hands its arguments to as they are: the function, the kernel, what it returns and takes,
/// and the arguments handed on. Field, entry and the function's definition follow; its declaration is in the public header.
#define FIRN_FORWARDED_KERNELS(ROW) \
    ROW(firn_select_32, select_32, void, \
        (const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n), \
        (condition, a, b, y, n)) \
    ROW(firn_squared_difference_sum_f32, squared_difference_sum, float, \
        (const float *a, const float *b, size_t n), \
        (a, b, n)) \
    ROW(firn_softmax_f32, softmax, void, \
        (const float *x, float *y, size_t rows, size_t columns), \
        (x, y, rows, columns)) \
    ROW(firn_log_softmax_f32, log_softmax, void, \
        (const float *x, float *y, size_t rows, size_t columns), \
        (x, y, rows, columns)) \
    ROW(firn_sparse_cross_entropy_f32, sparse_cross_entropy, void, \
        (const float *restrict logits, const int32_t *restrict labels, float *restrict y, size_t rows, \
         size_t columns), \
        (logits, labels, y, rows, columns)) \
    ROW(firn_cross_entropy_f32, cross_entropy, void, \
        (const float *logits, const float *labels, float *restrict y, size_t rows, size_t columns), \
        (logits, labels, y, rows, columns)) \
    ROW(firn_pack_f32, pack, void, \
        (size_t n, size_t k, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col, float *restrict panels), \
        (n, k, b, b_row, b_col, panels)) \
    ROW(firn_matmul_workspace_f32, matmul_workspace, size_t, (size_t m, size_t n, size_t k), (m, n, k)) \
    ROW(firn_matmul_f64, matmul_f64, void, \
        (size_t m, size_t n, size_t k, const double *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, \
         const double *restrict b, ptrdiff_t b_row, ptrdiff_t b_col, double *restrict c, ptrdiff_t c_row, \
         int continues, void *restrict workspace), \
        (m, n, k, a, a_row, a_col, b, b_row, b_col, c, c_row, continues, workspace)) \
    ROW(firn_window_matmul_f32, window_matmul, void, \
        (const FirnWindow *w, const float *restrict x, size_t images, size_t first, size_t m, size_t n, \
         const FirnTaps *b, float *restrict c, const FirnPixels *to, void *restrict workspace), \
        (w, x, images, first, m, n, b, c, to, workspace)) \
    ROW(firn_window_transposed_matmul_f32, window_transposed_matmul, void, \
        (const FirnWindow *w, const float *restrict x, size_t images, size_t first, size_t m, size_t n, \
         const float *restrict b, ptrdiff_t b_row, float *restrict c, ptrdiff_t c_row, void *restrict workspace), \
        (w, x, images, first, m, n, b, b_row, c, c_row, workspace)) \
    ROW(firn_depthwise_f32, depthwise, void, \
        (const FirnWindow *w, const float *restrict x, size_t first, size_t rows, const FirnTaps *k, \
         float *restrict y, const FirnPixels *to), \
        (w, x, first, rows, k, y, to)) \
    ROW(firn_depthwise_kernel_f32, depthwise_kernel, void, \
        (const FirnWindow *w, const float *restrict x, const float *restrict g, size_t images, \
         float *restrict y), \
        (w, x, g, images, y)) \
    ROW(firn_stored_scales_f32, stored_scales, void, \
        (const float *restrict x, size_t outer, size_t channels, size_t inner, size_t first, size_t count, \
         float *restrict scales), \
        (x, outer, channels, inner, first, count, scales)) \
    ROW(firn_narrow_f32, narrow, void, \
        (FirnStored type, const FirnRuns *runs, const float *restrict x, const float *restrict scales, \
         void *restrict y), \
        (type, runs, x, scales, y)) \
    ROW(firn_widen_f32, widen, void, \
        (FirnStored type, const FirnRuns *runs, const void *restrict x, const float *restrict scales, \
         float *restrict y), \
        (type, runs, x, scales, y)) \
    ROW(firn_stored_rows_f32, stored_rows, void, \
        (FirnStored type, size_t m, size_t n, size_t k, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, \
         const void *restrict panels, const FirnPanelScales *scales, float *restrict c, ptrdiff_t c_row), \
        (type, m, n, k, a, a_row, a_col, panels, scales, c, c_row)) \
    ROW(firn_winograd_workspace_f32, winograd_workspace, size_t, \
        (const FirnWinograd *w, size_t count, size_t features), \
        (w, count, features)) \
    ROW(firn_winograd_f32, winograd, void, \
        (const FirnWinograd *w, const float *restrict x, const float *restrict panels, size_t first, size_t count, \
         size_t features, float *restrict y, void *restrict workspace), \
        (w, x, panels, first, count, features, y, workspace)) \
    ROW(firn_max_pool_f32, max_pool, void, \
        (FirnPool what, const FirnWindow *w, const float *restrict x, const float *restrict other, size_t first, \
         size_t rows, float *restrict y), \
        (what, w, x, other, first, rows, y)) \
    ROW(firn_max_pool_places_f32, max_pool_places, void, \
        (const FirnWindow *w, const float *restrict x, uint32_t bits, size_t first, size_t rows, \
         uint32_t *restrict y), \
        (w, x, bits, first, rows, y)) \
    ROW(firn_max_pool_at_f32, max_pool_at, void, \
        (FirnPool what, const FirnWindow *w, const uint32_t *restrict places, uint32_t bits, \
         const float *restrict other, size_t first, size_t rows, float *restrict y), \
        (what, w, places, bits, other, first, rows, y)) \
    ROW(firn_resample_f32, resample, void, \
        (const FirnWeights *down, const FirnWeights *across, size_t channels, const float *restrict x, \
         size_t first, size_t rows, float *restrict y), \
        (down, across, channels, x, first, rows, y))

/// The kernels whose public functions `dispatch.c` writes out, since they choose one of several or take other arguments:
/// the kernel, what it returns and takes.
#define FIRN_OTHER_KERNELS(ROW) \
    ROW(argmax_rows, void, \
        (int minimum, const float *restrict x, int32_t *restrict y, size_t outer, size_t reduced)) \
    ROW(argmax_columns, void, \
        (int minimum, const float *restrict x, int32_t *restrict y, size_t reduced, size_t inner)) \
    ROW(matmul, void, \
        (size_t m, size_t n, size_t k, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, \
         const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t b_panel, float *restrict c, \
         ptrdiff_t c_row, int continues, void *restrict workspace)) \
    ROW(copy_rows, void, \
        (const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step, size_t rows, size_t bytes)) \
    ROW(philox, void, (FirnStream stream, size_t first, uint32_t *y, size_t n)) \
    ROW(uniform, void, (FirnStream stream, size_t first, float low, float high, float *y, size_t n)) \
    ROW(normal, void, (FirnStream stream, size_t first, float mean, float deviation, float *y, size_t n)) \
    ROW(dropout, void, (FirnStream stream, size_t first, float rate, const float *x, float *y, size_t n))

#define FIRN_FORWARDED_FIELD(function, kernel, result, parameters, arguments) result (*kernel) parameters;
#define FIRN_OTHER_FIELD(kernel, result, parameters) result (*kernel) parameters;

typedef struct {
    const char *name;
    void (*unary[FIRN_UNARY_COUNT])(float alpha, const float *x, float *y, size_t n);
    void (*binary[FIRN_BINARY_COUNT])(const float *a, const float *b, float *y, size_t n);
    void (*compare[FIRN_COMPARE_COUNT])(const float *a, const float *b, uint8_t *y, size_t n);
    void (*reduce_rows[FIRN_REDUCE_COUNT])(const float *restrict x, float *restrict y, size_t outer,
                                           size_t reduced, size_t x_stride, size_t y_stride);
    void (*reduce_columns[FIRN_REDUCE_COUNT])(const float *restrict x, float *restrict y, size_t reduced,
                                              size_t inner, size_t x_stride);
    FIRN_FORWARDED_KERNELS(FIRN_FORWARDED_FIELD)
    FIRN_OTHER_KERNELS(FIRN_OTHER_FIELD)
} FirnDispatch;

/// The table of the instruction set that the calling thread uses.
const FirnDispatch *firn_table(void);

extern const FirnDispatch firn_dispatch_portable;
#if defined(__x86_64__)
extern const FirnDispatch firn_dispatch_avx2;
extern const FirnDispatch firn_dispatch_avx512;
#endif

#endif
