// Programs: chains of elementwise functions, run a block at a time so that what is between them stays in cache.

#include "dispatch.h"

#include <string.h>

/// Up to so many bytes a row is copied here; for more a call of memcpy is worth its price.
#define FIRN_SHORT_ROW 512

/// A place in a buffer, while a block is gathered from it or scattered to it.
typedef struct {
    size_t index[FIRN_MAX_RANK];
    ptrdiff_t at;
} FirnPlace;

/// The place of element `start` of those that the layout picks.
static FirnPlace place_of(const FirnLayout *l, size_t start) {
    FirnPlace p;
    p.at = 0;
    for (size_t axis = l->rank; axis-- > 0;) {
        p.index[axis] = 0;
        if (start == 0) continue;
        p.index[axis] = start % l->sizes[axis];
        start /= l->sizes[axis];
        p.at += (ptrdiff_t)p.index[axis] * l->steps[axis];
    }
    return p;
}

/// Elements before element `start` of those that the layout picks, from where its first is.
static ptrdiff_t offset_of(const FirnLayout *l, size_t start) {
    if (l->rank != 2 || start > UINT32_MAX || l->sizes[1] > UINT32_MAX) return place_of(l, start).at;
    // Most are rows with gaps between them, and a short division takes half as long.
    const uint32_t row = (uint32_t)start / (uint32_t)l->sizes[1];
    return (ptrdiff_t)row * l->steps[0] + (ptrdiff_t)(start - row * l->sizes[1]) * l->steps[1];
}

/// Goes on by `count` places along `axis`, not beyond its end.
static void go_on(const FirnLayout *l, FirnPlace *p, size_t axis, size_t count) {
    p->index[axis] += count;
    p->at += (ptrdiff_t)count * l->steps[axis];
    while (p->index[axis] == l->sizes[axis]) {
        p->at -= (ptrdiff_t)l->sizes[axis] * l->steps[axis];
        p->index[axis] = 0;
        if (axis == 0) return;
        axis--;
        p->index[axis]++;
        p->at += l->steps[axis];
    }
}

/// Rows of a layout that are gathered or scattered at once: whole ones side by side along the axis before the last, or one part.
typedef struct {
    size_t rows, width;
    ptrdiff_t row_step;
} FirnRows;

/// The rows from `p` on, of at most `n` elements.
static FirnRows rows_at(const FirnLayout *l, const FirnPlace *p, size_t n) {
    const size_t last = l->rank - 1, width = l->sizes[last];
    const size_t left = width - p->index[last];
    if (left == width && n >= width && last > 0) {
        const size_t whole = n / width, rows = l->sizes[last - 1] - p->index[last - 1];
        return (FirnRows){rows < whole ? rows : whole, width, l->steps[last - 1]};
    }
    return (FirnRows){1, left < n ? left : n, 0};
}

static void go_on_after(const FirnLayout *l, FirnPlace *p, FirnRows r) {
    const size_t last = l->rank - 1;
    if (r.width == l->sizes[last] && last > 0) {
        go_on(l, p, last - 1, r.rows);
    } else {
        go_on(l, p, last, r.width);
    }
}

#define FIRN_DECLARE_RUNS(bits, Element) \
    /* Elements `from_step` apart within rows `from_row` apart, to such of their own. */ \
    static void move_##bits(const FirnDispatch *table, const Element *from, ptrdiff_t from_step, ptrdiff_t from_row, \
                            Element *to, ptrdiff_t to_step, ptrdiff_t to_row, size_t rows, size_t width) { \
        const ptrdiff_t size = sizeof(Element); \
        const size_t bytes = width * sizeof(Element); \
        if (from_step == 1 && to_step == 1 && bytes >= 16 && bytes <= FIRN_SHORT_ROW) { \
            table->copy_rows((const char *)from, from_row * size, (char *)to, to_row * size, rows, bytes); \
            return; \
        } \
        for (size_t row = 0; row < rows; row++, from += from_row, to += to_row) { \
            if (from_step == 1 && to_step == 1) { \
                memcpy(to, from, bytes); \
            } else if (from_step == 0 && to_step == 1) { \
                const Element value = *from; \
                for (size_t i = 0; i < width; i++) to[i] = value; \
            } else { \
                for (size_t i = 0; i < width; i++) to[(ptrdiff_t)i * to_step] = from[(ptrdiff_t)i * from_step]; \
            } \
        } \
    } \
    static void gather_##bits(const FirnDispatch *table, const FirnLayout *l, const Element *from, size_t start, \
                              Element *y, size_t n) { \
        const ptrdiff_t step = l->steps[l->rank - 1]; \
        for (FirnPlace p = place_of(l, start); n > 0;) { \
            const FirnRows r = rows_at(l, &p, n); \
            move_##bits(table, from + p.at, step, r.row_step, y, 1, (ptrdiff_t)r.width, r.rows, r.width); \
            go_on_after(l, &p, r); \
            y += r.rows * r.width; \
            n -= r.rows * r.width; \
        } \
    } \
    static void scatter_##bits(const FirnDispatch *table, const FirnLayout *l, const Element *x, Element *to, \
                               size_t start, size_t n) { \
        const ptrdiff_t step = l->steps[l->rank - 1]; \
        for (FirnPlace p = place_of(l, start); n > 0;) { \
            const FirnRows r = rows_at(l, &p, n); \
            move_##bits(table, x, 1, (ptrdiff_t)r.width, to + p.at, step, r.row_step, r.rows, r.width); \
            go_on_after(l, &p, r); \
            x += r.rows * r.width; \
            n -= r.rows * r.width; \
        } \
    }

FIRN_DECLARE_RUNS(8, uint8_t)
FIRN_DECLARE_RUNS(32, uint32_t)
FIRN_DECLARE_RUNS(64, uint64_t)

static void gather(const FirnDispatch *table, const FirnLayout *l, const void *from, size_t start, void *y, size_t n) {
    switch (l->element_size) {
    case 1: gather_8(table, l, from, start, y, n); break;
    case 4: gather_32(table, l, from, start, y, n); break;
    case 8: gather_64(table, l, from, start, y, n); break;
    }
}

static void scatter(const FirnDispatch *table, const FirnLayout *l, const void *x, void *to, size_t start, size_t n) {
    switch (l->element_size) {
    case 1: scatter_8(table, l, x, to, start, n); break;
    case 4: scatter_32(table, l, x, to, start, n); break;
    case 8: scatter_64(table, l, x, to, start, n); break;
    }
}

void firn_run_program(const FirnInstruction *instructions, size_t count, const FirnLayout *layouts,
                      FirnBuffer *buffers, size_t start, size_t n, size_t block) {
    const FirnDispatch *table = firn_table();
    const size_t end = start + n;
    for (; start < end; start += block) {
        const size_t m = end - start < block ? end - start : block;
// Counted as a number: what an instruction has no use for may be a place that is yet to be pointed somewhere.
#define FIRN_AT(number) ((void *)((uintptr_t)buffers[number].base + buffers[number].step * start))
        for (size_t i = 0; i < count; i++) {
            const FirnInstruction *k = instructions + i;
            void *a = FIRN_AT(k->a), *b = FIRN_AT(k->b), *c = FIRN_AT(k->c), *y = FIRN_AT(k->y);
            switch (k->what) {
            case FIRN_DO_UNARY: table->unary[k->code](k->alpha, a, y, m); break;
            case FIRN_DO_BINARY: table->binary[k->code](a, b, y, m); break;
            case FIRN_DO_COMPARE: table->compare[k->code](a, b, y, m); break;
            case FIRN_DO_SELECT: table->select_32(a, b, c, y, m); break;
            case FIRN_DO_GATHER: gather(table, layouts + k->code, a, start, y, m); break;
            case FIRN_DO_SCATTER: scatter(table, layouts + k->code, a, y, start, m); break;
            case FIRN_DO_POINT: {
                const FirnLayout *l = layouts + k->code;
                buffers[k->y] = (FirnBuffer){(char *)a + offset_of(l, start) * (ptrdiff_t)l->element_size, 0};
                break;
            }
            }
        }
#undef FIRN_AT
    }
}
