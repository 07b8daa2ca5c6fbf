// Copies, fills, gathers and scatters: bound by memory, so one version serves every instruction set.

#include "include/CFirnKernels.h"

#include <string.h>

/// Side of the square in which a transposition stays within the first-level cache.
#define FIRN_TRANSPOSE_BLOCK 32

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
        const size_t block = FIRN_TRANSPOSE_BLOCK; \
        for (size_t i0 = 0; i0 < sizes[0]; i0 += block) { \
            const size_t i1 = sizes[0] - i0 < block ? sizes[0] : i0 + block; \
            for (size_t j0 = 0; j0 < sizes[1]; j0 += block) { \
                const size_t n = sizes[1] - j0 < block ? sizes[1] - j0 : block; \
                for (size_t i = i0; i < i1; i++) \
                    name##_line(n, s + (ptrdiff_t)i * ss[0] + (ptrdiff_t)j0 * ss[1], ss[1], \
                                d + (ptrdiff_t)i * ds[0] + (ptrdiff_t)j0 * ds[1], ds[1]); \
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
