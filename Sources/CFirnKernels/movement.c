// Copies, fills, gathers and scatters: bound by memory, so one version serves every instruction set.

#include "include/CFirnKernels.h"

#include <string.h>

/// Side of the square in which a transposition stays within the first-level cache.
#define FIRN_TRANSPOSE_BLOCK 32
/// Up to so many elements a side of a plane is too short for squares.
#define FIRN_NARROW_PLANE 4

typedef struct {
    size_t rank;
    size_t sizes[FIRN_MAX_RANK];
    ptrdiff_t source[FIRN_MAX_RANK];
    ptrdiff_t destination[FIRN_MAX_RANK];
} FirnCopy;

static size_t magnitude(ptrdiff_t stride) { return stride < 0 ? 0 - (size_t)stride : (size_t)stride; }

/// Whether axis b of the layout belongs inside axis a: the destination is written in order.
static int belongs_inside(const FirnCopy *l, size_t a, size_t b) {
    return magnitude(l->destination[a]) < magnitude(l->destination[b]);
}

static void swap_axes(FirnCopy *l, size_t a, size_t b) {
    const size_t size = l->sizes[a];
    const ptrdiff_t source = l->source[a], destination = l->destination[a];
    l->sizes[a] = l->sizes[b];
    l->source[a] = l->source[b];
    l->destination[a] = l->destination[b];
    l->sizes[b] = size;
    l->source[b] = source;
    l->destination[b] = destination;
}

/// The same copy with as few axes as possible, the smallest stride of the destination last.
static FirnCopy simplified(size_t rank, const size_t *sizes, const ptrdiff_t *source, const ptrdiff_t *destination) {
    FirnCopy l = {0};
    for (size_t i = 0; i < rank; i++) {
        if (sizes[i] == 1) continue;
        l.sizes[l.rank] = sizes[i];
        l.source[l.rank] = source[i];
        l.destination[l.rank] = destination[i];
        for (size_t j = l.rank; j > 0 && belongs_inside(&l, j - 1, j); j--) swap_axes(&l, j - 1, j);
        l.rank++;
    }
    size_t kept = 0;
    for (size_t i = 1; i < l.rank; i++) {
        const ptrdiff_t size = (ptrdiff_t)l.sizes[i];
        if (l.source[kept] == l.source[i] * size && l.destination[kept] == l.destination[i] * size) {
            l.sizes[kept] *= l.sizes[i];
        } else {
            kept++;
            l.sizes[kept] = l.sizes[i];
        }
        l.source[kept] = l.source[i];
        l.destination[kept] = l.destination[i];
    }
    if (l.rank > 0) l.rank = kept + 1;
    return l;
}

// `name##_tiles` transposes: what steps by one in the source steps by `ds` in the destination, and what steps by one there
// by `ss` in the source. Tiles of `side` by `side` are exchanged in vectors; TILE is what exchanges one.
#define FIRN_DECLARE_TILES(name, Element, side, TILE) \
    static void name##_tiles(size_t m, size_t n, const Element *restrict s, ptrdiff_t ss, Element *restrict d, \
                             ptrdiff_t ds) { \
        const size_t wide = n - n % side, high = m - m % side; \
        for (size_t i = 0; i < high; i += side) { \
            for (size_t j = 0; j < wide; j += side) \
                TILE(s + (ptrdiff_t)j * ss + (ptrdiff_t)i, ss, d + (ptrdiff_t)i * ds + (ptrdiff_t)j, ds); \
        } \
        for (size_t i = 0; i < m; i++) { \
            for (size_t j = i < high ? wide : 0; j < n; j++) \
                d[(ptrdiff_t)i * ds + (ptrdiff_t)j] = s[(ptrdiff_t)j * ss + (ptrdiff_t)i]; \
        } \
    }

typedef uint32_t FirnFour32 __attribute__((ext_vector_type(4)));
typedef FirnFour32 FirnLooseFour32 __attribute__((aligned(4), may_alias));
typedef uint64_t FirnTwo64 __attribute__((ext_vector_type(2)));
typedef FirnTwo64 FirnLooseTwo64 __attribute__((aligned(8), may_alias));

static inline void exchange_32(const uint32_t *restrict s, ptrdiff_t ss, uint32_t *restrict d, ptrdiff_t ds) {
    const FirnFour32 a = *(const FirnLooseFour32 *)s, b = *(const FirnLooseFour32 *)(s + ss);
    const FirnFour32 c = *(const FirnLooseFour32 *)(s + 2 * ss), e = *(const FirnLooseFour32 *)(s + 3 * ss);
    const FirnFour32 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const FirnFour32 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const FirnFour32 ce_low = __builtin_shufflevector(c, e, 0, 4, 1, 5);
    const FirnFour32 ce_high = __builtin_shufflevector(c, e, 2, 6, 3, 7);
    *(FirnLooseFour32 *)d = __builtin_shufflevector(ab_low, ce_low, 0, 1, 4, 5);
    *(FirnLooseFour32 *)(d + ds) = __builtin_shufflevector(ab_low, ce_low, 2, 3, 6, 7);
    *(FirnLooseFour32 *)(d + 2 * ds) = __builtin_shufflevector(ab_high, ce_high, 0, 1, 4, 5);
    *(FirnLooseFour32 *)(d + 3 * ds) = __builtin_shufflevector(ab_high, ce_high, 2, 3, 6, 7);
}

static inline void exchange_64(const uint64_t *restrict s, ptrdiff_t ss, uint64_t *restrict d, ptrdiff_t ds) {
    const FirnTwo64 a = *(const FirnLooseTwo64 *)s, b = *(const FirnLooseTwo64 *)(s + ss);
    *(FirnLooseTwo64 *)d = __builtin_shufflevector(a, b, 0, 2);
    *(FirnLooseTwo64 *)(d + ds) = __builtin_shufflevector(a, b, 1, 3);
}

static inline void exchange_8(const uint8_t *restrict s, ptrdiff_t ss, uint8_t *restrict d, ptrdiff_t ds) {
    (void)ss, (void)ds;
    *d = *s;
}

FIRN_DECLARE_TILES(copy_8, uint8_t, 1, exchange_8)
FIRN_DECLARE_TILES(copy_32, uint32_t, 4, exchange_32)
FIRN_DECLARE_TILES(copy_64, uint64_t, 2, exchange_64)

// `name##_line` copies along one axis, `name##_plane` along two in square blocks, so that both the lines
// read and the lines written stay in cache; `name##_axes` steps over the axes outside.
#define FIRN_DECLARE_COPY(name, Element) \
    static void name##_line(size_t n, const Element *restrict s, ptrdiff_t ss, Element *restrict d, ptrdiff_t ds) { \
        if (ss == 1 && ds == 1) { \
            memcpy(d, s, n * sizeof(Element)); \
        } else if (ss == 0 && ds == 1) { \
            const Element value = *s; \
            for (size_t i = 0; i < n; i++) d[i] = value; \
        } else { \
            for (size_t i = 0; i < n; i++) d[(ptrdiff_t)i * ds] = s[(ptrdiff_t)i * ss]; \
        } \
    } \
    static void name##_plane(const size_t *sizes, const Element *restrict s, const ptrdiff_t *ss, \
                             Element *restrict d, const ptrdiff_t *ds) { \
        /* Narrow planes are gone along by their long side, as far as lines stay in cache. */ \
        const size_t block = FIRN_TRANSPOSE_BLOCK, narrow = FIRN_NARROW_PLANE, stretch = block * block; \
        const size_t rows = sizes[1] <= narrow ? stretch : block, columns = sizes[0] <= narrow ? stretch : block; \
        const int has_tiles = ss[0] == 1 && ds[1] == 1 && sizes[0] > narrow && sizes[1] > narrow; \
        for (size_t i0 = 0; i0 < sizes[0]; i0 += rows) { \
            const size_t m = sizes[0] - i0 < rows ? sizes[0] - i0 : rows; \
            for (size_t j0 = 0; j0 < sizes[1]; j0 += columns) { \
                const size_t n = sizes[1] - j0 < columns ? sizes[1] - j0 : columns; \
                const Element *from = s + (ptrdiff_t)i0 * ss[0] + (ptrdiff_t)j0 * ss[1]; \
                Element *to = d + (ptrdiff_t)i0 * ds[0] + (ptrdiff_t)j0 * ds[1]; \
                if (has_tiles) { \
                    name##_tiles(m, n, from, ss[1], to, ds[0]); \
                } else if (sizes[1] <= narrow) { \
                    for (size_t j = 0; j < n; j++) \
                        name##_line(m, from + (ptrdiff_t)j * ss[1], ss[0], to + (ptrdiff_t)j * ds[1], ds[0]); \
                } else { \
                    for (size_t i = 0; i < m; i++) \
                        name##_line(n, from + (ptrdiff_t)i * ss[0], ss[1], to + (ptrdiff_t)i * ds[0], ds[1]); \
                } \
            } \
        } \
    } \
    static void name##_axes(const FirnCopy *l, size_t axis, const Element *restrict s, Element *restrict d) { \
        const size_t left = l->rank - axis; \
        if (left == 0) { \
            *d = *s; \
        } else if (left == 1) { \
            name##_line(l->sizes[axis], s, l->source[axis], d, l->destination[axis]); \
        } else if (left == 2 && magnitude(l->source[axis]) < magnitude(l->source[axis + 1])) { \
            name##_plane(l->sizes + axis, s, l->source + axis, d, l->destination + axis); \
        } else { \
            for (size_t i = 0; i < l->sizes[axis]; i++) \
                name##_axes(l, axis + 1, s + (ptrdiff_t)i * l->source[axis], d + (ptrdiff_t)i * l->destination[axis]); \
        } \
    }

FIRN_DECLARE_COPY(copy_8, uint8_t)
FIRN_DECLARE_COPY(copy_32, uint32_t)
FIRN_DECLARE_COPY(copy_64, uint64_t)

void firn_copy_strided(size_t element_size, size_t rank, const size_t *sizes,
                       const void *restrict source, const ptrdiff_t *source_strides,
                       void *restrict destination, const ptrdiff_t *destination_strides) {
    for (size_t i = 0; i < rank; i++) {
        if (sizes[i] == 0) return;
    }
    FirnCopy layout = simplified(rank, sizes, source_strides, destination_strides);
    // Bring the axis along which the source is contiguous next to the innermost one: the plane of the
    // two is what is worth blocking.
    if (layout.rank > 2 && magnitude(layout.source[layout.rank - 1]) > 1) {
        size_t best = layout.rank - 2;
        for (size_t i = 0; i < layout.rank - 1; i++) {
            if (magnitude(layout.source[i]) == 1) best = i;
        }
        for (size_t i = best; i < layout.rank - 2; i++) swap_axes(&layout, i, i + 1);
    }
    switch (element_size) {
    case 1: copy_8_axes(&layout, 0, source, destination); break;
    case 4: copy_32_axes(&layout, 0, source, destination); break;
    case 8: copy_64_axes(&layout, 0, source, destination); break;
    }
}

// What C does not define is left out before it is converted.
#define FIRN_DECLARE_TRUNCATE(name, Element) \
    void name(const Element *restrict x, int32_t *restrict y, size_t n) { \
        const Element bound = (Element)2147483648.0; \
        for (size_t i = 0; i < n; i++) { \
            const Element v = x[i], low = v > -bound ? v : -bound, tame = v < bound ? low : 0; \
            y[i] = v >= bound ? INT32_MAX : (int32_t)(v == v ? tame : 0); \
        } \
    }

FIRN_DECLARE_TRUNCATE(firn_truncate_f32, float)
FIRN_DECLARE_TRUNCATE(firn_truncate_f64, double)

void firn_fill_32(uint32_t value, uint32_t *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = value;
}

void firn_gather_32(const uint32_t *restrict x, const int32_t *restrict indices, uint32_t *restrict y,
                    size_t count, size_t row) {
    if (row == 1) {
        for (size_t i = 0; i < count; i++) y[i] = x[indices[i]];
        return;
    }
    if (row == 0) return;
    for (size_t i = 0; i < count; i++) memcpy(y + i * row, x + (size_t)indices[i] * row, row * sizeof(uint32_t));
}

void firn_scatter_add_f32(const float *restrict x, const int32_t *restrict indices, float *restrict y,
                          size_t count, size_t row) {
    for (size_t i = 0; i < count; i++) {
        const float *from = x + i * row;
        float *to = y + (size_t)indices[i] * row;
        for (size_t j = 0; j < row; j++) to[j] += from[j];
    }
}
