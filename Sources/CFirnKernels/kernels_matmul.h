// Template: the matrix product, by packed panels and a register tile.
//
// An element of C is, for each block of k in turn, a chain of fused multiply-adds from 0, and the sum of
// these chains from left to right. Every path below keeps to that, and the blocks depend on k alone: this is
// what makes the bits independent of how a caller splits m and n. A product that continues what C holds is one
// chain from there over all of k, so that it may be cut along k too.

/// The block of A (FIRN_BLOCK_ROWS x depth) stays in the second-level cache, one panel of B (depth x tile columns) in
/// the first, the block of B (depth x columns) in the last.
#define FIRN_BLOCK_COLUMNS 2048
#define FIRN_BLOCK_DEPTH 256

/// Panels that are packed at once where rows of B are contiguous: enough of a row for it to be fetched ahead.
#define FIRN_PACKED_AT_ONCE 16

/// Panels of A that are packed at once where its rows lie across, likewise.
#define FIRN_A_AT_ONCE 4

/// Floats from one line of the first-level cache to the next in the same set: rows of A that begin a multiple of it
/// apart would drive each other out, and are packed.
#define FIRN_SET_STRIDE 1024

/// Lines of a set of that cache, on processors that have few.
#define FIRN_WAYS 8

/// Floats from one row to the next up to which the processor fetches rows of its own accord: some to a page.
#define FIRN_NEAR_ROWS 256

_Static_assert(FIRN_BLOCK_ROWS % FIRN_TILE_ROWS == 0, "whole panels of A");
_Static_assert(FIRN_BLOCK_COLUMNS % FIRN_TILE_COLUMNS == 0, "whole panels of B");
_Static_assert(FIRN_TILE_COLUMNS == 2 * FIRN_LANES, "a tile is two vectors wide");
_Static_assert(FIRN_PANEL_COLUMNS % FIRN_TILE_COLUMNS == 0, "whole tiles of a panel");

typedef float FirnQuad __attribute__((ext_vector_type(4)));
typedef FirnQuad FirnLooseQuad __attribute__((aligned(4), may_alias));

FIRN_INLINE size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/// Packs a panel: to[p * width + i] = from[i * lane + p * deep] for i < lanes, 0 for the lanes beyond.
FIRN_INLINE void pack_panel(size_t width, size_t lanes, size_t depth, const float *restrict from,
                            ptrdiff_t lane, ptrdiff_t deep, float *restrict to) {
    if (lane == 1) {
        for (size_t p = 0; p < depth; p++) {
            const float *f = from + (ptrdiff_t)p * deep;
            float *t = to + p * width;
#pragma clang loop unroll(full)
            for (size_t v = 0; v < width; v += FIRN_LANES) {
                const size_t some = lanes > v ? lanes - v : 0;
                const FirnFloats piece = some >= FIRN_LANES ? load(f + v) : some > 0 ? load_partial(f + v, some, 0.0f)
                                                                                   : splat(0.0f);
                // What is stored beyond a row is written over by the next; parts of vectors are slow to store.
                if (v + FIRN_LANES <= width || p + 1 < depth) {
                    store(t + v, piece);
                } else {
                    store_partial(t + v, width - v, piece);
                }
            }
        }
        return;
    }
    if (lanes < width) {
        for (size_t p = 0; p < depth; p++) {
            for (size_t i = lanes; i < width; i++) to[p * width + i] = 0.0f;
        }
    }
    size_t packed = 0;
    if (deep == 1 && lanes >= 4) {
        packed = depth / 4 * 4;
        for (size_t i = 0; i < lanes; i += 4) {
            // The last group of four overlaps the one before it where the lanes are no multiple of four.
            const size_t start = smaller(i, lanes - 4);
            const float *f = from + (ptrdiff_t)start * lane;
            for (size_t p = 0; p < packed; p += 4) {
                // The four behind these are asked for meanwhile, a line at a time.
                __builtin_prefetch(f + (ptrdiff_t)(4 + p / 4 % 4) * lane + (ptrdiff_t)(p / FIRN_LINE * FIRN_LINE));
                const FirnQuad r0 = *(const FirnLooseQuad *)(f + p);
                const FirnQuad r1 = *(const FirnLooseQuad *)(f + lane + (ptrdiff_t)p);
                const FirnQuad r2 = *(const FirnLooseQuad *)(f + 2 * lane + (ptrdiff_t)p);
                const FirnQuad r3 = *(const FirnLooseQuad *)(f + 3 * lane + (ptrdiff_t)p);
                const FirnQuad a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
                const FirnQuad b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
                const FirnQuad c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
                const FirnQuad d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
                float *t = to + p * width + start;
                *(FirnLooseQuad *)t = __builtin_shufflevector(a, b, 0, 1, 4, 5);
                *(FirnLooseQuad *)(t + width) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
                *(FirnLooseQuad *)(t + 2 * width) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
                *(FirnLooseQuad *)(t + 3 * width) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
            }
        }
    }
    for (size_t p = packed; p < depth; p++) {
        for (size_t i = 0; i < lanes; i++) to[p * width + i] = from[(ptrdiff_t)i * lane + (ptrdiff_t)p * deep];
    }
}

FIRN_KERNEL void pack_a(size_t rows, size_t depth, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                        float *restrict to) {
    const size_t at_once = FIRN_A_AT_ONCE * FIRN_TILE_ROWS;
    const size_t whole = a_row == 1 ? rows / at_once * at_once : 0;
    for (size_t begin = 0; begin < whole; begin += at_once) {
        for (size_t p = 0; p < depth; p++) {
            const float *from = a + begin + (ptrdiff_t)p * a_col;
            float *put = to + begin * depth + p * FIRN_TILE_ROWS;
#pragma clang loop unroll(full)
            for (size_t i = 0; i < at_once; i += FIRN_LINE) __builtin_prefetch(from + FIRN_ROWS_AHEAD * a_col + i);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < FIRN_A_AT_ONCE; i++) {
                __builtin_memcpy(put + i * FIRN_TILE_ROWS * depth, from + i * FIRN_TILE_ROWS,
                                 sizeof(float[FIRN_TILE_ROWS]));
            }
        }
    }
    for (size_t i = whole; i < rows; i += FIRN_TILE_ROWS) {
        pack_panel(FIRN_TILE_ROWS, smaller(rows - i, FIRN_TILE_ROWS), depth, a + (ptrdiff_t)i * a_row,
                   a_row, a_col, to + i * depth);
    }
}

FIRN_KERNEL void pack_b(size_t columns, size_t depth, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                        float *restrict to) {
    const size_t width = FIRN_TILE_COLUMNS;
    const size_t whole = b_col == 1 ? columns / width * width : 0;
    for (size_t begin = 0; begin < whole; begin += FIRN_PACKED_AT_ONCE * width) {
        const size_t end = smaller(whole, begin + FIRN_PACKED_AT_ONCE * width);
        for (size_t p = 0; p < depth; p++) {
            const float *from = b + (ptrdiff_t)p * b_row;
            for (size_t j = begin; j < end; j += width) {
                float *put = to + j * depth + p * width;
                store(put, load(from + j));
                store(put + FIRN_LANES, load(from + j + FIRN_LANES));
            }
        }
    }
    for (size_t j = whole; j < columns; j += width) {
        pack_panel(width, smaller(columns - j, width), depth, b + (ptrdiff_t)j * b_col, b_col, b_row, to + j * depth);
    }
}

/// How many of `left` rows the next tile takes, so that no low one is left at the end, which would wait for its sums:
/// of six rows at most, fourteen are five, five and four; of twelve two tiles of eight, not twelve and four.
FIRN_INLINE size_t rows_of_tile(size_t left) {
#if FIRN_TILE_ROWS == 6
    if (left % 6 == 0 || left % 6 > 3) return smaller(left, 6);
    const size_t tiles = (left + 5) / 6;
    return (left + tiles - 1) / tiles;
#else
    return left == 16 && FIRN_TILE_ROWS == 12 ? 8 : smaller(left, FIRN_TILE_ROWS);
#endif
}

/// How deep the pieces are that sums over k are made of, one after the other; the last is what is left. All products have
/// the same, or their bits would differ.
FIRN_INLINE size_t block_depth_of(size_t k) {
    const size_t blocks = (k + FIRN_BLOCK_DEPTH - 1) / FIRN_BLOCK_DEPTH;
    return (k + blocks - 1) / blocks;
}

/// Floats that the packed block of A takes, a whole number of cache lines.
FIRN_INLINE size_t packed_a_size(size_t m, size_t k) {
    return round_up(round_up(smaller(m, FIRN_BLOCK_ROWS), FIRN_TILE_ROWS) * smaller(k, FIRN_BLOCK_DEPTH), 16);
}

FIRN_KERNEL size_t matmul_workspace(size_t m, size_t n, size_t k) {
    const size_t b = round_up(smaller(n, FIRN_BLOCK_COLUMNS), FIRN_TILE_COLUMNS) * smaller(k, FIRN_BLOCK_DEPTH);
    return (packed_a_size(m, k) + b) * sizeof(float);
}

/// Whether `rows` lines that are so many floats apart drive each other out of the first-level cache, and are too far
/// apart for the processor to see them coming.
FIRN_INLINE int collides(ptrdiff_t apart, size_t rows) {
    const size_t unit = (size_t)(apart & -apart);
    return (apart < 0 ? -apart : apart) > FIRN_NEAR_ROWS && unit >= FIRN_LINE
        && FIRN_SET_STRIDE / smaller(unit, FIRN_SET_STRIDE) * FIRN_WAYS < rows;
}

/// Whether some tile has just so many rows, so that A may be read where it is: a taller one would read beyond it.
FIRN_INLINE int fits_a_tile(size_t rows) {
    return FIRN_TILE_ROWS == 6 || rows <= 2 || rows == 4 || rows == FIRN_TILE_ROWS || (rows == 8 && FIRN_TILE_ROWS > 8);
}

FIRN_KERNEL void pack(size_t n, size_t k, const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col,
                      float *restrict panels) {
    for (size_t j = 0; j < n; j += FIRN_PANEL_COLUMNS) {
        pack_panel(FIRN_PANEL_COLUMNS, smaller(n - j, FIRN_PANEL_COLUMNS), k, b + (ptrdiff_t)j * b_col, b_col, b_row,
                   panels + j * k);
    }
}

/// B is packed where `b_panel`, the step from panel to panel, is not 0; else it lies by `b_row` and `b_col`.
FIRN_KERNEL void matmul(size_t m, size_t n, size_t k, const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                        const float *restrict b, ptrdiff_t b_row, ptrdiff_t b_col, ptrdiff_t b_panel,
                        float *restrict c, ptrdiff_t c_row, int continues, void *restrict workspace) {
    if (m == 0 || n == 0 || (k == 0 && continues)) return;
    if (k == 0) {
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < n; j++) c[(ptrdiff_t)i * c_row + (ptrdiff_t)j] = 0.0f;
        }
        return;
    }
    float *restrict packed_a = workspace;
    float *restrict packed_b = packed_a + packed_a_size(m, k);
    const size_t block_depth = block_depth_of(k);
    // Rows of B that are contiguous are read where they are if there is one block of A, whose first tile of a panel
    // copies it for the others.
    const int in_place = b_panel == 0 && b_col == 1 && m <= FIRN_BLOCK_ROWS;
    const size_t flat_columns = FIRN_FLAT_VECTORS * FIRN_LANES;
    const int a_in_place = a_col == 1 && a_row % FIRN_SET_STRIDE != 0;

    for (size_t j0 = 0; j0 < n; j0 += FIRN_BLOCK_COLUMNS) {
        const size_t columns = smaller(n - j0, FIRN_BLOCK_COLUMNS);
        // Of a B that is read in place only a last, partial panel is packed, so that the tile may load whole vectors.
        const size_t whole = b_panel != 0 ? columns : in_place ? columns / FIRN_TILE_COLUMNS * FIRN_TILE_COLUMNS : 0;
        for (size_t p0 = 0; p0 < k; p0 += block_depth) {
            const size_t depth = smaller(k - p0, block_depth);
            const int mode = continues ? FIRN_TILE_CONTINUE : p0 > 0 ? FIRN_TILE_ADD : FIRN_TILE_SET;
            const float *block_b = b_panel != 0
                ? b + (ptrdiff_t)(j0 / FIRN_PANEL_COLUMNS) * b_panel + (ptrdiff_t)p0 * b_row
                : b + (ptrdiff_t)p0 * b_row + (ptrdiff_t)j0 * b_col;
            if (whole < columns) {
                pack_b(columns - whole, depth, block_b + (ptrdiff_t)whole * b_col, b_row, b_col, packed_b);
            }
            // Where that copy goes, behind the last panel; none is made of what stays in the first-level cache anyway.
            float *restrict copied = packed_b + (whole < columns ? FIRN_TILE_COLUMNS * depth : 0);
            const int copies = in_place && collides(b_row, depth);
            for (size_t i0 = 0; i0 < m; i0 += FIRN_BLOCK_ROWS) {
                const size_t rows = smaller(m - i0, FIRN_BLOCK_ROWS);
                const float *block_a = a + (ptrdiff_t)i0 * a_row + (ptrdiff_t)p0 * a_col;
                // Likewise of A: rows that fill no tile.
                const size_t last = rows % FIRN_TILE_ROWS;
                const size_t placed = !a_in_place ? 0 : fits_a_tile(last) ? rows : rows - last;
                pack_a(rows - placed, depth, block_a + (ptrdiff_t)placed * a_row, a_row, a_col, packed_a);
#if FIRN_FETCHES_NEXT_PANEL
                // Of a B that is read in place each tile asks for all of the next panel, which only many make up for.
                const int fetches = n * k >= FIRN_FAR_FLOATS
                    && (FIRN_LANES == 8 || !in_place || rows >= 8 * FIRN_TILE_ROWS);
                // What each tile asks for of the next panel with each row, so that between them they fetch all of it.
                const size_t tiles = (rows + FIRN_TILE_ROWS - 1) / FIRN_TILE_ROWS;
                const size_t panel_width = b_panel != 0 ? FIRN_PANEL_COLUMNS : FIRN_TILE_COLUMNS;
                const ptrdiff_t part_row = (ptrdiff_t)((panel_width + tiles - 1) / tiles);
#endif
                size_t wide;
                for (size_t j = 0; j < columns; j += wide) {
                    const int loose = j < whole;
                    const int flat = loose && m <= 2 && whole - j >= flat_columns;
                    wide = flat ? flat_columns : smaller(columns - j, FIRN_TILE_COLUMNS);
                    const float *panel = !loose ? packed_b + (j - whole) * depth
                        : b_panel == 0 ? block_b + j
                        : block_b + (ptrdiff_t)(j / FIRN_PANEL_COLUMNS) * b_panel + j % FIRN_PANEL_COLUMNS;
                    ptrdiff_t panel_row = loose ? b_row : FIRN_TILE_COLUMNS;
                    const ptrdiff_t panel_step = b_panel != 0 ? b_panel : FIRN_PANEL_COLUMNS;
#if FIRN_FETCHES_NEXT_PANEL
                    const float *ahead = panel + FIRN_ROWS_AHEAD * panel_row;
                    ptrdiff_t ahead_row = panel_row, ahead_tile = 0;
                    if (!loose || b_panel != 0) {
                        // Of the last one there is no next; it is asked for itself, where it is.
                        const size_t next = j + wide;
                        ahead = next >= columns ? panel
                            : !loose ? packed_b + (next - whole) * depth
                            : block_b + (ptrdiff_t)(next / FIRN_PANEL_COLUMNS) * b_panel + next % FIRN_PANEL_COLUMNS;
                        ahead_row = part_row;
                        ahead_tile = part_row * (ptrdiff_t)depth;
                    }
#endif
                    size_t tall;
                    for (size_t i = 0; i < rows; i += tall) {
                        const int placed_here = i < placed;
                        // Packed panels are as tall as they are.
                        tall = rows == placed ? rows_of_tile(rows - i) : smaller(rows - i, FIRN_TILE_ROWS);
                        float *to = c + (ptrdiff_t)(i0 + i) * c_row + (ptrdiff_t)(j0 + j);
                        const float *from = placed_here ? block_a + (ptrdiff_t)i * a_row
                                                        : packed_a + (i - placed) * depth;
                        const ptrdiff_t from_row = placed_here ? a_row : 1;
                        const ptrdiff_t from_col = placed_here ? a_col : FIRN_TILE_ROWS;
                        if (i == 0 && copies && loose && wide == FIRN_TILE_COLUMNS && tall < rows) {
                            const FirnCopyingTile copying = copying_tile_for(tall);
                            if (copying) {
                                copying(depth, from, from_row, from_col, panel, panel_row, to, c_row, mode, copied);
                                panel = copied;
                                panel_row = FIRN_TILE_COLUMNS;
#if FIRN_FETCHES_NEXT_PANEL
                                // Each of the others asks for all of the next one: what is there costs no more.
                                ahead = j + wide < whole ? block_b + j + wide : copied;
                                ahead_row = j + wide < whole ? b_row : 0;
#endif
                                continue;
                            }
                        }
#if FIRN_FETCHES_NEXT_PANEL
                        const FirnFetchingTile fetching = fetches ? fetching_tile_for(tall, wide) : NULL;
                        if (fetching) {
                            fetching(depth, from, from_row, from_col, panel, panel_row, panel_step, to, c_row, wide,
                                     mode, ahead, ahead_row);
                            ahead += ahead_tile;
                            continue;
                        }
#endif
                        tile_for(tall, wide)(depth, from, from_row, from_col, panel, panel_row, panel_step, to, c_row,
                                             tall, wide, mode);
                    }
                }
            }
        }
    }
}
