// Template: the register tile of a matrix product.

/// Rows of B ahead of the one that is multiplied which a tile asks for where they lie far apart: the processor sees no
/// such stretch coming, and what it has under way at once spans about so many.
#define FIRN_ROWS_AHEAD 16

/// Whether the tiles of a panel may fetch the next one between them, into the second-level cache: the panel at hand is
/// there from the first tile on, and has ways of the first-level cache to itself. Else each asks for rows of its own.
#define FIRN_FETCHES_NEXT_PANEL (FIRN_LANES >= 8)

/// Floats of B from which on they do: what fits into half a second-level cache is there anyway.
#if FIRN_LANES == 16
#define FIRN_FAR_FLOATS (1 << 18)
#else
#define FIRN_FAR_FLOATS 0
#endif

/// Vectors in a tile of one or two rows, which has registers to spare and is bound by reading B.
#if FIRN_LANES == 16
#define FIRN_FLAT_VECTORS 8
#else
#define FIRN_FLAT_VECTORS 4
#endif

/// What a tile does with what C holds.
enum { FIRN_TILE_SET, FIRN_TILE_ADD, FIRN_TILE_CONTINUE };

/// Where vector `v` of a row of B lies: in one stretch, but for panels, which are as wide as they are.
FIRN_INLINE const float *vector_of(const float *b, size_t v, ptrdiff_t b_panel) {
    const size_t column = v * FIRN_LANES;
    return b + (ptrdiff_t)(column / FIRN_PANEL_COLUMNS) * b_panel + column % FIRN_PANEL_COLUMNS;
}

/// Rows of A that one pointer serves: x86 scales an index by 1 and 2, and a pointer a row would take all registers.
#define FIRN_ROWS_A_POINTER 3

/// Floats in a line of a cache.
#define FIRN_LINE 16

/// One tile: `tall` x `vectors` vectors in registers, of which `rows` x `columns` elements are stored. A has `tall`
/// rows to be read. With each row of B it asks for what lies at `ahead`, which goes on by `ahead_row`; for the
/// second-level cache where `fetches`, else for the first. Where `copies`, the vectors of B that it reads are written to
/// `copy` as well, one row behind the other.
FIRN_INLINE void tile(size_t tall, size_t vectors, size_t depth, const float *restrict a, ptrdiff_t a_row,
                      ptrdiff_t a_col, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_panel,
                      float *restrict c, ptrdiff_t c_row, size_t rows, size_t columns, int mode, const float *ahead,
                      ptrdiff_t ahead_row, int fetches, int copies, float *restrict copy) {
    FirnFloats sum[FIRN_TILE_ROWS * 2 > FIRN_FLAT_VECTORS * 2 ? FIRN_TILE_ROWS * 2 : FIRN_FLAT_VECTORS * 2];
    const float *left[(FIRN_TILE_ROWS + FIRN_ROWS_A_POINTER - 1) / FIRN_ROWS_A_POINTER];
    // Most tiles are stored whole: edges are looked at only where there are some.
    const int whole = rows == tall && columns == vectors * FIRN_LANES;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < tall; i++) {
        if (i % FIRN_ROWS_A_POINTER == 0) {
            left[i / FIRN_ROWS_A_POINTER] = a + (ptrdiff_t)i * a_row;
            // Else the compiler makes each pointer of the one before, in every pass of the loop below.
            __asm__("" : "+r"(left[i / FIRN_ROWS_A_POINTER]));
        }
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) sum[i * vectors + v] = splat(0.0f);
    }
    if (mode == FIRN_TILE_CONTINUE) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i++) {
            const float *from = c + (ptrdiff_t)i * c_row;
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) {
                const size_t begin = v * FIRN_LANES;
                if (whole || (i < rows && begin + FIRN_LANES <= columns)) {
                    sum[i * vectors + v] = load(from + begin);
                } else if (i < rows && begin < columns) {
                    sum[i * vectors + v] = load_partial(from + begin, columns - begin, 0.0f);
                }
            }
        }
    } else if (whole) {
        // What is written is asked for now, and here when the sums are.
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i++) {
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) {
                const size_t begin = v * FIRN_LANES;
                if (begin % FIRN_LINE == 0) __builtin_prefetch(c + (ptrdiff_t)i * c_row + begin, 1);
            }
        }
    }
    for (size_t p = 0; p < depth; p++) {
        FirnFloats right[FIRN_FLAT_VECTORS];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            right[v] = load(vector_of(b, v, b_panel));
            if (copies) store(copy + v * FIRN_LANES, right[v]);
            // A flat tile does nothing but read, and what it reads is long enough to be seen coming.
            if (tall > 2 && v * FIRN_LANES % FIRN_LINE == 0) {
                if (fetches) __builtin_prefetch(vector_of(ahead, v, b_panel), 0, 2);
                else __builtin_prefetch(vector_of(ahead, v, b_panel));
            }
        }
        ahead += ahead_row;
        if (copies) copy += vectors * FIRN_LANES;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i++) {
            const ptrdiff_t beside = (ptrdiff_t)(i % FIRN_ROWS_A_POINTER);
            const FirnFloats one = splat(left[i / FIRN_ROWS_A_POINTER][beside * a_row]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) sum[i * vectors + v] = madd(one, right[v], sum[i * vectors + v]);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i += FIRN_ROWS_A_POINTER) left[i / FIRN_ROWS_A_POINTER] += a_col;
        b += b_row;
    }
    if (whole) {
        if (mode == FIRN_TILE_ADD) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < tall; i++) {
                const float *old = c + (ptrdiff_t)i * c_row;
#pragma clang loop unroll(full)
                for (size_t v = 0; v < vectors; v++) {
                    sum[i * vectors + v] = load(old + v * FIRN_LANES) + sum[i * vectors + v];
                }
            }
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i++) {
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) {
                store(c + (ptrdiff_t)i * c_row + v * FIRN_LANES, sum[i * vectors + v]);
            }
        }
        return;
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < tall; i++) {
        if (i >= rows) continue;
        float *to = c + (ptrdiff_t)i * c_row;
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            const size_t begin = v * FIRN_LANES;
            const FirnFloats made = sum[i * vectors + v];
            if (begin + FIRN_LANES <= columns) {
                store(to + begin, mode == FIRN_TILE_ADD ? load(to + begin) + made : made);
            } else if (begin < columns) {
                const size_t rest = columns - begin;
                const FirnFloats old = mode == FIRN_TILE_ADD ? load_partial(to + begin, rest, 0.0f) : splat(0.0f);
                store_partial(to + begin, rest, mode == FIRN_TILE_ADD ? old + made : made);
            }
        }
    }
}

#define FIRN_DECLARE_TILE(tall, vectors) \
    FIRN_KERNEL __attribute__((noinline)) void tile_##tall##_##vectors( \
        size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, const float *restrict b, \
        ptrdiff_t b_row, ptrdiff_t b_panel, float *restrict c, ptrdiff_t c_row, size_t rows, size_t columns, \
        int mode) { \
        tile(tall, vectors, depth, a, a_row, a_col, b, b_row, b_panel, c, c_row, rows, columns, mode, \
             b + FIRN_ROWS_AHEAD * b_row, b_row, 0, 0, NULL); \
    }

FIRN_DECLARE_TILE(1, 1)
FIRN_DECLARE_TILE(1, 2)
FIRN_DECLARE_TILE(2, 1)
FIRN_DECLARE_TILE(2, 2)
FIRN_DECLARE_TILE(4, 1)
FIRN_DECLARE_TILE(4, 2)
#if FIRN_TILE_ROWS == 6
FIRN_DECLARE_TILE(3, 1)
FIRN_DECLARE_TILE(3, 2)
FIRN_DECLARE_TILE(5, 1)
FIRN_DECLARE_TILE(5, 2)
FIRN_DECLARE_TILE(6, 1)
FIRN_DECLARE_TILE(6, 2)
#endif
#if FIRN_TILE_ROWS >= 8
FIRN_DECLARE_TILE(8, 1)
FIRN_DECLARE_TILE(8, 2)
#endif
#if FIRN_TILE_ROWS == 12
FIRN_DECLARE_TILE(12, 1)
FIRN_DECLARE_TILE(12, 2)
#endif

#if FIRN_LANES == 16
FIRN_DECLARE_TILE(1, 8)
FIRN_DECLARE_TILE(2, 8)
#define FIRN_FLAT_TILE(rows) ((rows) == 1 ? tile_1_8 : tile_2_8)
#else
FIRN_DECLARE_TILE(1, 4)
FIRN_DECLARE_TILE(2, 4)
#define FIRN_FLAT_TILE(rows) ((rows) == 1 ? tile_1_4 : tile_2_4)
#endif

typedef void (*FirnTile)(size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                         const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_panel, float *restrict c,
                         ptrdiff_t c_row, size_t rows, size_t columns, int mode);

/// The smallest tile that covers `rows` x `columns`.
FIRN_INLINE FirnTile tile_for(size_t rows, size_t columns) {
    const int wide = columns > FIRN_LANES;
    if (columns > FIRN_TILE_COLUMNS) return FIRN_FLAT_TILE(rows);
    if (rows == 1) return wide ? tile_1_2 : tile_1_1;
    if (rows == 2) return wide ? tile_2_2 : tile_2_1;
#if FIRN_TILE_ROWS == 6
    if (rows == 3) return wide ? tile_3_2 : tile_3_1;
#endif
    if (rows <= 4) return wide ? tile_4_2 : tile_4_1;
#if FIRN_TILE_ROWS == 6
    if (rows == 5) return wide ? tile_5_2 : tile_5_1;
    return wide ? tile_6_2 : tile_6_1;
#elif FIRN_TILE_ROWS >= 8
#if FIRN_TILE_ROWS == 12
    if (rows > 8) return wide ? tile_12_2 : tile_12_1;
#endif
    return wide ? tile_8_2 : tile_8_1;
#else
    return wide ? tile_4_2 : tile_4_1;
#endif
}

#if FIRN_FETCHES_NEXT_PANEL

#define FIRN_DECLARE_FETCHING_TILE(tall, vectors) \
    FIRN_KERNEL __attribute__((noinline)) void fetching_##tall##_##vectors( \
        size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, const float *restrict b, \
        ptrdiff_t b_row, ptrdiff_t b_panel, float *restrict c, ptrdiff_t c_row, size_t columns, int mode, \
        const float *ahead, ptrdiff_t ahead_row) { \
        tile(tall, vectors, depth, a, a_row, a_col, b, b_row, b_panel, c, c_row, tall, columns, mode, ahead, \
             ahead_row, 1, 0, NULL); \
    }

#if FIRN_TILE_ROWS == 6
FIRN_DECLARE_FETCHING_TILE(3, 1)
FIRN_DECLARE_FETCHING_TILE(3, 2)
FIRN_DECLARE_FETCHING_TILE(4, 1)
FIRN_DECLARE_FETCHING_TILE(4, 2)
FIRN_DECLARE_FETCHING_TILE(5, 1)
FIRN_DECLARE_FETCHING_TILE(5, 2)
FIRN_DECLARE_FETCHING_TILE(6, 1)
FIRN_DECLARE_FETCHING_TILE(6, 2)
#else
FIRN_DECLARE_FETCHING_TILE(4, 2)
FIRN_DECLARE_FETCHING_TILE(8, 2)
FIRN_DECLARE_FETCHING_TILE(12, 2)
#endif

typedef void (*FirnFetchingTile)(size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                                 const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_panel, float *restrict c,
                                 ptrdiff_t c_row, size_t columns, int mode, const float *ahead, ptrdiff_t ahead_row);

/// The tile of just so many rows that fetches what it is told to; NULL where there is none.
FIRN_INLINE FirnFetchingTile fetching_tile_for(size_t rows, size_t columns) {
    const int wide = columns > FIRN_LANES;
#if FIRN_TILE_ROWS == 6
    if (rows == 3) return wide ? fetching_3_2 : fetching_3_1;
    if (rows == 4) return wide ? fetching_4_2 : fetching_4_1;
    if (rows == 5) return wide ? fetching_5_2 : fetching_5_1;
    if (rows == 6) return wide ? fetching_6_2 : fetching_6_1;
#else
    if (!wide) return NULL;
    if (rows == 4) return fetching_4_2;
    if (rows == 8) return fetching_8_2;
    if (rows == 12) return fetching_12_2;
#endif
    return NULL;
}

#endif

#define FIRN_DECLARE_COPYING_TILE(tall) \
    FIRN_KERNEL __attribute__((noinline)) void copying_##tall( \
        size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, const float *restrict b, \
        ptrdiff_t b_row, float *restrict c, ptrdiff_t c_row, int mode, float *restrict copy) { \
        tile(tall, 2, depth, a, a_row, a_col, b, b_row, FIRN_PANEL_COLUMNS, c, c_row, tall, FIRN_TILE_COLUMNS, mode, \
             b + FIRN_ROWS_AHEAD / 2 * b_row, b_row, 0, 1, copy); \
    }

FIRN_DECLARE_COPYING_TILE(4)
#if FIRN_TILE_ROWS == 6
FIRN_DECLARE_COPYING_TILE(5)
FIRN_DECLARE_COPYING_TILE(6)
#endif
#if FIRN_TILE_ROWS >= 8
FIRN_DECLARE_COPYING_TILE(8)
#endif
#if FIRN_TILE_ROWS == 12
FIRN_DECLARE_COPYING_TILE(12)
#endif

typedef void (*FirnCopyingTile)(size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                                const float *restrict b, ptrdiff_t b_row, float *restrict c, ptrdiff_t c_row, int mode,
                                float *restrict copy);

/// The tile of just so many rows and whole columns that copies the panel it reads; NULL where there is none.
FIRN_INLINE FirnCopyingTile copying_tile_for(size_t rows) {
    if (rows == 4) return copying_4;
#if FIRN_TILE_ROWS == 6
    if (rows == 5) return copying_5;
    if (rows == 6) return copying_6;
#endif
#if FIRN_TILE_ROWS >= 8
    if (rows == 8) return copying_8;
#endif
#if FIRN_TILE_ROWS == 12
    if (rows == 12) return copying_12;
#endif
    return NULL;
}
