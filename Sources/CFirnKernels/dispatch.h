// The table of one instruction set. Private to this target.

#ifndef FIRN_DISPATCH_H
#define FIRN_DISPATCH_H

#include "include/CFirnKernels.h"

enum {
    FIRN_UNARY_COUNT = FIRN_ROUND + 1,
    FIRN_BINARY_COUNT = FIRN_SIGMOID_CROSS_ENTROPY + 1,
    FIRN_COMPARE_COUNT = FIRN_GREATER_EQUAL + 1,
    FIRN_REDUCE_COUNT = FIRN_REDUCE_PROD + 1
};

/// What picks a block of Philox draws: the key and the upper three words of the counter.
typedef struct {
    uint32_t k0, k1, c1, c2, c3;
} FirnStream;

typedef struct {
    const char *name;
    void (*unary[FIRN_UNARY_COUNT])(float alpha, const float *x, float *y, size_t n);
    void (*binary[FIRN_BINARY_COUNT])(const float *a, const float *b, float *y, size_t n);
    void (*compare[FIRN_COMPARE_COUNT])(const float *a, const float *b, uint8_t *y, size_t n);
    void (*select)(const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n);
    void (*reduce_rows[FIRN_REDUCE_COUNT])(const float *restrict x, float *restrict y, size_t outer,
                                           size_t reduced, size_t x_stride, size_t y_stride);
    void (*reduce_columns[FIRN_REDUCE_COUNT])(const float *restrict x, float *restrict y, size_t reduced,
                                              size_t inner, size_t x_stride);
    void (*argmax_rows)(int minimum, const float *restrict x, int32_t *restrict y, size_t outer, size_t reduced);
    void (*argmax_columns)(int minimum, const float *restrict x, int32_t *restrict y, size_t reduced, size_t inner);
    float (*squared_difference_sum)(const float *a, const float *b, size_t n);
    void (*softmax)(const float *x, float *y, size_t rows, size_t columns);
    void (*log_softmax)(const float *x, float *y, size_t rows, size_t columns);
    void (*sparse_cross_entropy)(const float *restrict logits, const int32_t *restrict labels,
                                 float *restrict y, size_t rows, size_t columns);
    void (*cross_entropy)(const float *logits, const float *labels, float *restrict y,
                          size_t rows, size_t columns);
    size_t (*matmul_workspace)(size_t m, size_t n, size_t k);
    void (*matmul)(size_t m, size_t n, size_t k, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                   const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                   float *restrict c, ptrdiff_t c_row, int continues, void *restrict workspace);
    void (*window_matmul)(const FirnWindow *w, const float *restrict x, size_t first, size_t m, size_t n,
                          const FirnTaps *b, float *restrict c, const FirnPixels *to, void *restrict workspace);
    void (*window_transposed_matmul)(const FirnWindow *w, const float *restrict x, size_t images, size_t first,
                                     size_t m, size_t n, const float *restrict b, ptrdiff_t b_row,
                                     float *restrict c, ptrdiff_t c_row, void *restrict workspace);
    void (*depthwise)(const FirnWindow *w, const float *restrict x, size_t first, size_t rows,
                      const FirnTaps *k, float *restrict y, const FirnPixels *to);
    void (*depthwise_kernel)(const FirnWindow *w, const float *restrict x, const float *restrict g,
                             size_t images, float *restrict y);
    void (*max_pool)(FirnPool what, const FirnWindow *w, const float *restrict x, const float *restrict other,
                     size_t first, size_t rows, float *restrict y);
    void (*resample)(const FirnWeights *down, const FirnWeights *across, size_t channels,
                     const float *restrict x, size_t first, size_t rows, float *restrict y);
    void (*philox)(FirnStream stream, size_t first, uint32_t *y, size_t n);
    void (*uniform)(FirnStream stream, size_t first, float low, float high, float *y, size_t n);
    void (*normal)(FirnStream stream, size_t first, float mean, float deviation, float *y, size_t n);
    void (*dropout)(FirnStream stream, size_t first, float rate, const float *x, float *y, size_t n);
} FirnDispatch;

extern const FirnDispatch firn_dispatch_portable;
#if defined(__x86_64__)
extern const FirnDispatch firn_dispatch_avx2;
extern const FirnDispatch firn_dispatch_avx512;
#endif

#endif
