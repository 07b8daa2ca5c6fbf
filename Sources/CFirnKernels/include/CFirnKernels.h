#ifndef CFIRNKERNELS_H
#define CFIRNKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "FirnShared.h"

/// The fast kernels of Firn: arrays in, arrays out.
///
/// Sizes and strides count elements, never bytes. Nothing here allocates, checks its arguments or
/// knows of graphs and shapes: the caller has done that. No pointer needs an alignment beyond its
/// element's, except where a kernel says so. Pointers may be null where the size is zero.
///
/// "In place" means that an output pointer may equal an input pointer exactly; outputs that overlap
/// an input in any other way are never allowed.
///
/// The value of an output element depends on its own inputs only, not on its position: splitting a
/// call into several along the axes that a kernel does not reduce gives the same bits. Between
/// instruction sets the last bits may differ.

// MARK: Denormal numbers

/// Has this thread take denormal numbers for 0, as operands and as results, `float` and `double`, where the processor can
/// (x86-64, AArch64). Returns what is to be handed to `firn_restore_denormals`.
uint64_t firn_flush_denormals(void);

/// Has this thread take denormal numbers as it did before; leaves all else of its mode alone.
void firn_restore_denormals(uint64_t before);

/// Whether this thread takes denormal numbers for 0.
int firn_flushes_denormals(void);

// MARK: Instruction sets

/// The instruction set the calling thread uses: "avx512", "avx2" or "portable".
///
/// Chosen once when the process loads; the environment variable FIRN_ISA asks for another one and is
/// ignored where the processor lacks it.
const char *firn_isa_name(void);

/// Switches the calling thread to the instruction set `name`; 1 if it is in use now, 0 if unknown or not supported here.
///
/// For tests. A matmul workspace size asked for before is void.
int firn_select_isa(const char *name);

// MARK: Elementwise

// The tables: a row is all there is of such a function. From it follow the case of the enumeration, FIRN_ and the first
// name, the entry of the dispatch table and, for each instruction set, the kernel.

/// Functions of one array: the vector `v` gives the expression, which may read `alpha`.
#define FIRN_UNARY_TABLE(ROW) \
    ROW(NEG, neg, -v) \
    ROW(ABS, abs, absolute(v)) \
    ROW(SIGN, sign, sign_of(v))                  /* -1, 0 or 1; keeps NaN and the sign of zero */ \
    ROW(EXP, exp, exp_of(v)) \
    ROW(EXPM1, expm1, expm1_of(v)) \
    ROW(LOG, log, log_of(v)) \
    ROW(LOG1P, log1p, log1p_of(v)) \
    ROW(SQRT, sqrt, __builtin_elementwise_sqrt(v)) \
    ROW(RSQRT, rsqrt, 1.0f / __builtin_elementwise_sqrt(v)) \
    ROW(SQUARE, square, v * v) \
    ROW(RECIPROCAL, reciprocal, 1.0f / v) \
    ROW(SIN, sin, sin_of(v)) \
    ROW(COS, cos, cos_of(v)) \
    ROW(TANH, tanh, tanh_of(v)) \
    ROW(SIGMOID, sigmoid, sigmoid_of(v)) \
    ROW(SOFTPLUS, softplus, softplus_of(v))      /* log(1 + e^x) */ \
    ROW(RELU, relu, relu_of(v))                  /* max(x, 0); keeps NaN */ \
    ROW(LEAKY_RELU, leaky_relu, v > 0.0f ? v : alpha * v) \
    ROW(ELU, elu, elu_of(v, alpha))              /* x where x > 0, else alpha (e^x - 1) */ \
    ROW(GELU, gelu, gelu_of(v))                  /* x Φ(x), exact (by erf, not by tanh); -0 at minus infinity */ \
    ROW(SILU, silu, silu_of(v))                  /* x sigmoid(x); -0 at minus infinity */ \
    ROW(HARD_SWISH, hard_swish, hard_swish_of(v)) /* x relu6(x + 3) / 6; keeps NaN; -0 at minus infinity */ \
    ROW(ERF, erf, erf_of(v)) \
    ROW(FLOOR, floor, floor_of(v)) \
    ROW(CEIL, ceil, ceil_of(v)) \
    ROW(ROUND, round, round_of(v))               /* halves go to the even neighbour */ \
    ROW(GELU_TANH, gelu_tanh, gelu_tanh_of(v))   /* gelu by tanh's approximation; -0 at minus infinity */ \
    ROW(MISH, mish, mish_of(v))                  /* x tanh(log(1 + e^x)); -0 at minus infinity */ \
    ROW(TAN, tan, tan_of(v)) \
    ROW(ASIN, asin, asin_of(v)) \
    ROW(ACOS, acos, acos_of(v)) \
    ROW(ATAN, atan, atan_of(v)) \
    ROW(SINH, sinh, sinh_of(v)) \
    ROW(COSH, cosh, cosh_of(v)) \
    ROW(ASINH, asinh, asinh_of(v)) \
    ROW(ACOSH, acosh, acosh_of(v)) \
    ROW(ATANH, atanh, atanh_of(v))

/// Functions of two arrays, of the vectors `v` and `w`, or where SCALAR says so of one element of each.
#define FIRN_BINARY_TABLE(ROW, SCALAR) \
    ROW(ADD, add, v + w) \
    ROW(SUB, sub, v - w) \
    ROW(MUL, mul, v * w) \
    ROW(DIV, div, v / w) \
    ROW(POW, pow, power_of(v, w)) \
    SCALAR(FMOD, fmod, fmodf(v, w))              /* exact; of the sign of v */ \
    ROW(MAX, max, FIRN_MAX_OF(v, w))             /* NaN if either is */ \
    ROW(MIN, min, FIRN_MIN_OF(v, w))             /* NaN if either is */ \
    ROW(SIGMOID_CROSS_ENTROPY, sigmoid_cross_entropy, sigmoid_cross_entropy_of(v, w)) \
                                                 /* max(a, 0) - a b + log1p(e^-|a|): logits a, labels b */

/// Comparisons, by their relation.
#define FIRN_COMPARE_TABLE(ROW) \
    ROW(EQUAL, equal, ==) \
    ROW(NOT_EQUAL, not_equal, !=) \
    ROW(LESS, less, <) \
    ROW(LESS_EQUAL, less_equal, <=) \
    ROW(GREATER, greater, >) \
    ROW(GREATER_EQUAL, greater_equal, >=)

/// Reductions: what becomes of two values, scalars or vectors, and of none.
#define FIRN_REDUCE_TABLE(ROW) \
    ROW(REDUCE_SUM, sum, FIRN_SUM_OF, 0.0f) \
    ROW(REDUCE_MAX, max, FIRN_MAX_OF, -__builtin_inff())   /* NaN if any element is */ \
    ROW(REDUCE_MIN, min, FIRN_MIN_OF, __builtin_inff())    /* NaN if any element is */ \
    ROW(REDUCE_PROD, prod, FIRN_PROD_OF, 1.0f)

#define FIRN_CASE(name, ...) FIRN_##name,

typedef enum { FIRN_UNARY_TABLE(FIRN_CASE) } FirnUnary;

/// y = op(x). In place allowed. `alpha` is read by leaky_relu and elu only.
void firn_unary_f32(FirnUnary op, float alpha, const float *x, float *y, size_t n);

typedef enum { FIRN_BINARY_TABLE(FIRN_CASE, FIRN_CASE) } FirnBinary;

/// y = op(a, b). In place allowed with a, with b or with both.
void firn_binary_f32(FirnBinary op, const float *a, const float *b, float *y, size_t n);

typedef enum { FIRN_COMPARE_TABLE(FIRN_CASE) } FirnCompare;

/// y = 1 where the comparison holds, else 0. With a NaN only `FIRN_NOT_EQUAL` holds.
void firn_compare_f32(FirnCompare op, const float *a, const float *b, uint8_t *y, size_t n);

/// y = a where `condition` is not zero, else b, for any element of 32 bits. In place allowed with a or b.
void firn_select_32(const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n);

// MARK: Reductions

typedef enum { FIRN_REDUCE_TABLE(FIRN_CASE) } FirnReduce;

/// Reduces the middle axis: y[o][i] = op over r of x[o][r][i].
///
/// Element (o, r, i) of x is at `x[o * x_outer_stride + r * x_reduced_stride + i]`, (o, i) of y at
/// `y[o * y_outer_stride + i]`. An empty reduction gives the identity: 0, -inf, +inf, 1.
/// A caller can split `outer`, and can split `inner` by keeping the strides: a piece with `inner` 1 is
/// treated as a column, not as a row, because its `x_reduced_stride` is not 1.
void firn_reduce_f32(FirnReduce op, const float *restrict x, float *restrict y,
                     size_t outer, size_t reduced, size_t inner,
                     size_t x_outer_stride, size_t x_reduced_stride, size_t y_outer_stride);

/// Index of the first maximum (of the first minimum if `minimum` is not 0) along the middle axis of a
/// contiguous x[outer][reduced][inner]. The first NaN wins over everything. `reduced` must not be 0.
void firn_argmax_f32(int minimum, const float *restrict x, int32_t *restrict y,
                     size_t outer, size_t reduced, size_t inner);

/// Sum of (a - b)² in a fixed order.
float firn_squared_difference_sum_f32(const float *a, const float *b, size_t n);

// MARK: Softmax and its losses

/// Softmax of each row of a contiguous x[rows][columns]; never overflows. In place allowed.
void firn_softmax_f32(const float *x, float *y, size_t rows, size_t columns);

/// Logarithm of the softmax of each row. In place allowed.
void firn_log_softmax_f32(const float *x, float *y, size_t rows, size_t columns);

/// y[r] = -log_softmax(logits[r])[labels[r]]. The labels are in range.
void firn_sparse_cross_entropy_f32(const float *restrict logits, const int32_t *restrict labels,
                                   float *restrict y, size_t rows, size_t columns);

/// y[r] = -Σ labels[r][c] log_softmax(logits[r])[c].
void firn_cross_entropy_f32(const float *logits, const float *labels,
                            float *restrict y, size_t rows, size_t columns);

// MARK: Matrix product

/// Bytes of workspace that a product of this size needs; never falls when a size grows.
size_t firn_matmul_workspace_f32(size_t m, size_t n, size_t k);

/// C[m, n] = A[m, k] · B[k, n]. Overwrites C; with k = 0 it becomes zero.
///
/// Element (i, p) of A is at `a[i * a_row + p * a_col]`, (p, j) of B at `b[p * b_row + j * b_col]`,
/// (i, j) of C at `c[i * c_row + j]`. C overlaps neither A nor B.
/// `workspace` holds `firn_matmul_workspace_f32(m, n, k)` bytes, aligned to 64; where `b_col` is 1 and m at most
/// FIRN_BLOCK_ROWS, those of two panels are enough: `firn_matmul_workspace_f32(m, 2 * FIRN_PANEL_COLUMNS, k)`.
/// The bits of an element of C depend on its row of A, its column of B and k only: m and n can be split.
void firn_matmul_f32(size_t m, size_t n, size_t k,
                     const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                     const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                     float *restrict c, ptrdiff_t c_row, void *restrict workspace);

/// C[m, n] = A[m, k] · B[k, n] in f64, or C + A · B if `continues`.
///
/// Strides as in `firn_matmul_f32`. Each element is one chain of products and sums along k, none of them fused: its bits
/// do not depend on m and n, nor on the instruction set. `workspace` holds 64 k bytes.
void firn_matmul_f64(size_t m, size_t n, size_t k,
                     const double *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                     const double *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                     double *restrict c, ptrdiff_t c_row, int continues, void *restrict workspace);

/// Columns of B in a panel of its packed form: the same for every instruction set.
#define FIRN_PANEL_COLUMNS 32

/// Floats of panels that stay in the second-level cache beside what is multiplied.
#define FIRN_NEAR_ELEMENTS (1 << 17)

/// Rows of A that are multiplied while they are in cache.
#define FIRN_BLOCK_ROWS 144

/// Packs B[k, n] for `firn_matmul_packed_f32`: panels of FIRN_PANEL_COLUMNS columns, each of k rows; the last one is
/// filled with zeros. Element (p, j) goes to `panels[(j / width * k + p) * width + j % width]`.
///
/// Strides as in the product. n can be split at multiples of the width.
void firn_pack_f32(size_t n, size_t k, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                   float *restrict panels);

/// C[m, n] = A[m, k] · B[k, n], to the bits of `firn_matmul_f32`, with the packed form of B.
///
/// n can be split at multiples of the width of a panel. `workspace` holds `firn_matmul_workspace_f32(m, 0, k)` bytes.
void firn_matmul_packed_f32(size_t m, size_t n, size_t k,
                            const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                            const float *restrict panels, float *restrict c, ptrdiff_t c_row,
                            void *restrict workspace);

/// C[m, n] += A[m, k] · B[k, n], likewise; strides of A and B may be negative.
///
/// An element of C is one chain of fused multiply-adds from what it holds, in the order of k: k can be split as well.
void firn_matmul_continue_f32(size_t m, size_t n, size_t k,
                              const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                              const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                              float *restrict c, ptrdiff_t c_row, void *restrict workspace);

// MARK: Movement

/// The largest rank that `firn_copy_strided` takes.
#define FIRN_MAX_RANK 8

/// Copies an array between two layouts. `element_size` is 1, 4 or 8 bytes.
///
/// Strides may be negative, and 0 in the source, which repeats it (broadcast). The pointers are those of
/// the element at index 0 in each axis. Source and destination must not overlap.
void firn_copy_strided(size_t element_size, size_t rank, const size_t *sizes,
                       const void *restrict source, const ptrdiff_t *source_strides,
                       void *restrict destination, const ptrdiff_t *destination_strides);

/// y = x towards zero, the nearest number there is where it is out of range, and 0 for NaN.
void firn_truncate_f32(const float *restrict x, int32_t *restrict y, size_t n);
void firn_truncate_f64(const double *restrict x, int32_t *restrict y, size_t n);

/// y = value, for any element of 32 bits.
void firn_fill_32(uint32_t value, uint32_t *y, size_t n);

/// y[i] = x[indices[i]], rows of `row` elements of 32 bits. The indices are in range.
void firn_gather_32(const uint32_t *restrict x, const int32_t *restrict indices, uint32_t *restrict y,
                    size_t count, size_t row);

/// y[indices[i]] += x[i], rows of `row` elements, in the order of i. The caller has initialised y.
void firn_scatter_add_f32(const float *restrict x, const int32_t *restrict indices, float *restrict y,
                          size_t count, size_t row);

// MARK: Programs

/// What an instruction of a program does with a block of elements.
typedef enum {
    FIRN_DO_UNARY,     ///< y = code(a)
    FIRN_DO_BINARY,    ///< y = code(a, b)
    FIRN_DO_COMPARE,   ///< y = code(a, b)
    FIRN_DO_SELECT,    ///< y = a ? b : c, of elements of 32 bits
    FIRN_DO_GATHER,    ///< y = the elements of buffer a that the layout `code` picks
    FIRN_DO_SCATTER,   ///< the elements of buffer y that the layout `code` picks = a
    FIRN_DO_POINT      ///< from now on y is where the layout `code` has the block in buffer a, in one stretch
} FirnDo;

/// Operands and result are numbers of buffers.
typedef struct {
    FirnDo what;
    int32_t code;
    float alpha;
    uint32_t a, b, c, y;
} FirnInstruction;

/// Where the elements that a program goes through are in a buffer: row-major places, and the steps between them.
typedef struct {
    size_t element_size;   ///< 1, 4 or 8 bytes
    size_t rank;
    size_t sizes[FIRN_MAX_RANK];
    ptrdiff_t steps[FIRN_MAX_RANK];
} FirnLayout;

/// What an instruction reads or writes: an array in memory, or a register, which holds one block.
typedef struct {
    void *base;
    size_t step;           ///< bytes from one element of the program to the next; 0 for a register and for what layouts pick from
} FirnBuffer;

/// Runs all instructions on elements `start` to `start + n`, `block` of them at a time.
///
/// Each writes what the function of its name writes. A result may be in the place of an operand where that function allows it.
/// Of `buffers` only those are written that an instruction points anew.
void firn_run_program(const FirnInstruction *instructions, size_t count, const FirnLayout *layouts,
                      FirnBuffer *buffers, size_t start, size_t n, size_t block);

// MARK: Windows of images
//
// Images are [image][row][column][channel]. A result pixel sees a window of taps of an image; taps beside the
// image read 0. The pixels of all images are counted in one row: image, then row, then column.

/// One axis of a window: tap j of result i is at i * step + offset + j * tap, in the image if in 0..<extent.
typedef struct {
    size_t count;      ///< results along the axis
    ptrdiff_t step;
    ptrdiff_t offset;
    size_t taps;
    ptrdiff_t tap;
    size_t extent;     ///< of the image
} FirnWindowAxis;

typedef struct {
    FirnWindowAxis rows, columns;
    size_t channels;   ///< read of each pixel
    size_t pixel;      ///< elements from one pixel to the next: the channels of all groups
} FirnWindow;

/// A matrix with one row for each channel of each tap; where `panel` is not 0, in panels as `firn_pack_f32` makes them.
typedef struct {
    const float *base;
    ptrdiff_t tap_row, tap_column;   ///< from one tap to the one below and to the one beside it
    ptrdiff_t row, column;           ///< from one channel to the next, and from one column to the next
    ptrdiff_t panel;                 ///< from one panel to the next, whose rows lie tap by tap; other steps do not count then
} FirnTaps;

/// Steps from a result pixel to that of the next image, the next row and the next column.
typedef struct {
    ptrdiff_t image, row, column;
} FirnPixels;

/// c = windows · b: each of the `m` pixels from `first` on by `n` columns of b.
///
/// The pixel counted 0 is at c; a pixel's columns lie side by side. With no taps or channels they are 0.
/// With `images` not 0 there are so many, and their pixels are counted position by position: row, then column, then image.
/// Then taps beside the image are left out of the sums where no tap inside lies between them in a block of the depth.
/// `workspace` as for the matrix product of m x n x (taps · channels), of no columns where b is in panels.
void firn_window_matmul_f32(const FirnWindow *w, const float *restrict x, size_t images, size_t first, size_t m,
                            size_t n, const FirnTaps *b, float *restrict c, const FirnPixels *to,
                            void *restrict workspace);

/// c = windowsᵀ · b, summed over all pixels of `images` images: the rows are `m` elements of a window from `first` on.
///
/// `workspace` as for the matrix product of m x n x pixels; there is at least one pixel.
void firn_window_transposed_matmul_f32(const FirnWindow *w, const float *restrict x, size_t images, size_t first,
                                       size_t m, size_t n, const float *restrict b, ptrdiff_t b_row,
                                       float *restrict c, ptrdiff_t c_row, void *restrict workspace);

/// y[pixel][c] = sum over taps of x[tap][c] k[tap][c], for `rows` rows of pixels from `first` on.
///
/// Of `k` the steps from tap to tap count; its channels lie side by side.
void firn_depthwise_f32(const FirnWindow *w, const float *restrict x, size_t first, size_t rows,
                        const FirnTaps *k, float *restrict y, const FirnPixels *to);

/// y[tap][c] = sum over pixels of x[tap][c] g[pixel][c]; taps and pixels of g and y are `w->pixel` elements apart.
void firn_depthwise_kernel_f32(const FirnWindow *w, const float *restrict x, const float *restrict g,
                               size_t images, float *restrict y);

/// A convolution with 3 x 3 taps, one apart, by Winograd's minimal filtering: its extents.
typedef struct {
    size_t tile;                         ///< results of a tile along each axis: 2 or 4
    size_t rows, columns, channels;      ///< of an image
    size_t top, left;                    ///< zeros before an image
    size_t down, across;                 ///< tiles of an image; the last ones may reach beyond the result
    size_t result_rows, result_columns, features;
} FirnWinograd;

/// Scratch that `firn_winograd_f32` wants for `count` tiles and `features` features.
size_t firn_winograd_workspace_f32(const FirnWinograd *w, size_t count, size_t features);

/// `features` features of y at `count` tiles, which are counted image by image and row by row, from `first` on.
///
/// `panels` has the transformed kernel: for each of (tile + 2)² places, row by row, a matrix of channels x features as
/// `firn_pack_f32` leaves it. For features from a panel on, hand in that panel of the first place, and y from its first
/// feature on. `workspace` is aligned to 64. The bits of an element of y do not depend on `first`, `count` and
/// `features`.
void firn_winograd_f32(const FirnWinograd *w, const float *restrict x, const float *restrict panels, size_t first,
                       size_t count, size_t features, float *restrict y, void *restrict workspace);

typedef enum {
    FIRN_POOL_GREATEST,   ///< y[pixel] = the greatest of the window of x
    FIRN_POOL_TAKE,       ///< y[pixel] = `other` where x is greatest in the window
    FIRN_POOL_SCATTER     ///< y += other[pixel] where x is greatest in the window
} FirnPool;

/// Pools `rows` rows of pixels from `first` on; every window has a tap in the image, and `tap` is 1.
///
/// Of equal elements the first is the greatest; a NaN is greater than all, the last one greater than others.
void firn_max_pool_f32(FirnPool what, const FirnWindow *w, const float *restrict x, const float *restrict other,
                       size_t first, size_t rows, float *restrict y);

/// The taps that `firn_max_pool_f32` finds greatest, `bits` each, which divide 32, from the least of a word on; past the
/// last tap where none is in the image. `bits` tells all of these apart.
///
/// y has the words of a window's channels for each, one window after the other.
void firn_max_pool_places_f32(const FirnWindow *w, const float *restrict x, uint32_t bits, size_t first, size_t rows,
                              uint32_t *restrict y);

/// Takes or scatters as `firn_max_pool_f32` does, at the places it is given; what is no tap in the image is left out.
void firn_max_pool_at_f32(FirnPool what, const FirnWindow *w, const uint32_t *restrict places, uint32_t bits,
                          const float *restrict other, size_t first, size_t rows, float *restrict y);

/// Elements `first`, `first` + 1 and so on, with the weights from `weight` on.
typedef struct {
    size_t first, count, weight;
} FirnSpan;

/// One axis of a resampling: result i is the sum of weight[span.weight + e step] x[span.first + e] over its span.
typedef struct {
    size_t count;    ///< results along the axis
    size_t extent;   ///< of the image
    const FirnSpan *span;
    const float *weight;
    size_t step;     ///< 0 where all elements of a span have one weight, else 1
} FirnWeights;

/// Resamples `rows` rows of result pixels from `first` on: by columns within a row, then by rows.
void firn_resample_f32(const FirnWeights *down, const FirnWeights *across, size_t channels,
                       const float *restrict x, size_t first, size_t rows, float *restrict y);

// MARK: Random

/// Draws of Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
///
/// Draw i is lane i mod 4 of the block with key {k0, k1} and counter {i / 4 (low 32 bits), c1, c2, c3}.
/// `first` is the i of y[0], any value: pieces of one stream join without a seam.
void firn_philox_u32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                     size_t first, uint32_t *y, size_t n);

/// y = low + (high - low) u with u = (draw >> 8) 2^-24, which is in [0, 1).
void firn_random_uniform_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                             size_t first, float low, float high, float *y, size_t n);

/// y = mean + deviation z with z standard normal by Box and Muller's method.
///
/// Draws 4i and 4i + 1 give u1 = ((draw >> 8) + 1) 2^-24 and u2 = (draw >> 8) 2^-24, and then the elements
/// sqrt(-2 ln u1) cos(2π u2) and sqrt(-2 ln u1) sin(2π u2); 4i + 2 and 4i + 3 likewise.
void firn_random_normal_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                            size_t first, float mean, float deviation, float *y, size_t n);

/// y = x / (1 - rate) where the uniform u of the element is at least `rate`, else 0. In place allowed.
///
/// Rate 0 copies; rate 1 gives zeros. A dropped element is 0 whatever it was, NaN too.
void firn_dropout_f32(uint32_t k0, uint32_t k1, uint32_t c1, uint32_t c2, uint32_t c3,
                      size_t first, float rate, const float *x, float *y, size_t n);

// MARK: Kernels in 16 and 8 bits

/// What numbers are held in: the upper half of an f32, a binary16, or whole numbers of 8 bits times a scale.
typedef enum { FIRN_BF16, FIRN_F16, FIRN_I8 } FirnStored;

/// How numbers and their scales lie: `outer` times `middle` runs of `length` numbers, one after the other. The scale of
/// number i of run (o, m) is `scales[o * scale_outer + m * scale_middle + i * scale_element]`, where `scale_element` is 0
/// or 1; without FIRN_I8 there are none.
typedef struct {
    size_t outer, middle, length;
    size_t scale_outer, scale_middle, scale_element;
} FirnRuns;

/// Scales of the columns of panels, or of their rows.
typedef struct {
    const float *base;
    int of_columns;
} FirnPanelScales;

/// scales[c] = max |x[o, c, i]| / 127 of x[outer, channels, inner] for `count` channels from `first`; NaN where one of
/// them is, 0 where that is below the least normal number. Channels can be split.
void firn_stored_scales_f32(const float *restrict x, size_t outer, size_t channels, size_t inner, size_t first,
                            size_t count, float *restrict scales);

/// Rounds x to nearest even; of FIRN_I8 x / scale, to -127...127. `y` has two bytes or one a number.
///
/// NaN and infinities are kept; of FIRN_I8 what is no number over its scale is 0.
void firn_narrow_f32(FirnStored type, const FirnRuns *runs, const float *restrict x, const float *restrict scales,
                     void *restrict y);

/// The numbers that `x` holds: exactly, and of FIRN_I8 the f32 nearest to number times scale.
void firn_widen_f32(FirnStored type, const FirnRuns *runs, const void *restrict x, const float *restrict scales,
                    float *restrict y);

/// C[m, n] = A[m, k] · B[k, n], to the bits of `firn_matmul_f32`, where B's panels are held so: for few rows, as each
/// number is widened anew for every six of them, and A stays in the second-level cache.
///
/// n can be split at multiples of the width of a panel.
void firn_stored_rows_f32(FirnStored type, size_t m, size_t n, size_t k, const float *restrict a, ptrdiff_t a_row,
                          ptrdiff_t a_col, const void *restrict panels, const FirnPanelScales *scales,
                          float *restrict c, ptrdiff_t c_row);

#endif
