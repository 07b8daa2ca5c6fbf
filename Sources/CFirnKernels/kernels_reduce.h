// Template: reductions. The order of the operations depends on the reduced length only, not on how long vectors are.

/// A long sum is a tree: so many steps are added up one by one, so many of their sums, so many sums of these, and so on.
/// The rounding error grows with the logarithm of the length, not with the length.
#define FIRN_BLOCK_STEPS 32
#define FIRN_FAN 16
#define FIRN_LEVELS 8

/// Elements of a row that go into one block: that many steps of four accumulators.
#define FIRN_ROW_BLOCK (4 * FIRN_ROW_LANES * FIRN_BLOCK_STEPS)

/// Vectors of a column strip: enough to hide the latency of an addition.
#define FIRN_STRIP 8

_Static_assert(FIRN_ROW_PARTS <= FIRN_STRIP, "the sums of a row are kept as those of a strip");

// OF combines two values. `name##_carry` hands full levels of the tree on, of `vectors` vectors side by side, when the
// lowest one has taken in another block, and returns how many levels there are; `name##_top` combines those. `name##_strip`
// reduces `vectors` vectors side by side, the last of them to `count` lanes if `count` is not 0.
#define FIRN_DECLARE_REDUCTION(NAME, name, OF, identity) \
    FIRN_INLINE int name##_carry(FirnFloats (*total)[FIRN_STRIP], int depth, size_t blocks, int vectors) { \
        for (int level = 0; level + 1 < FIRN_LEVELS && blocks % FIRN_FAN == 0; level++, blocks /= FIRN_FAN) { \
            const int is_new = level + 1 == depth; \
            for (int v = 0; v < vectors; v++) { \
                const FirnFloats full = total[level][v]; \
                total[level + 1][v] = is_new ? full : OF(total[level + 1][v], full); \
                total[level][v] = splat(identity); \
            } \
            depth += is_new; \
        } \
        return depth; \
    } \
    FIRN_INLINE FirnFloats name##_top(FirnFloats (*total)[FIRN_STRIP], int depth, int v) { \
        FirnFloats all = total[0][v]; \
        for (int level = 1; level < depth; level++) all = OF(all, total[level][v]); \
        return all; \
    } \
    FIRN_INLINE float name##_row(const float *x, size_t n) { \
        FirnFloats total[FIRN_LEVELS][FIRN_STRIP]; \
        for (int p = 0; p < FIRN_ROW_PARTS; p++) total[0][p] = splat(identity); \
        int depth = 1; \
        size_t blocks = 0; \
        for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) { \
            const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK; \
            FirnFloats a[4][FIRN_ROW_PARTS]; \
            for (int j = 0; j < 4; j++) \
                for (int p = 0; p < FIRN_ROW_PARTS; p++) a[j][p] = splat(identity); \
            size_t i = begin; \
            for (; i + 4 * FIRN_ROW_LANES <= end; i += 4 * FIRN_ROW_LANES) { \
                for (int j = 0; j < 4; j++) { \
                    for (int p = 0; p < FIRN_ROW_PARTS; p++) { \
                        const FirnFloats v = load(x + i + j * FIRN_ROW_LANES + p * FIRN_LANES); \
                        a[j][p] = OF(a[j][p], v); \
                    } \
                } \
            } \
            for (; i + FIRN_ROW_LANES <= end; i += FIRN_ROW_LANES) { \
                for (int p = 0; p < FIRN_ROW_PARTS; p++) { \
                    const FirnFloats v = load(x + i + p * FIRN_LANES); \
                    a[0][p] = OF(a[0][p], v); \
                } \
            } \
            if (i < end) { \
                for (int p = 0; p < FIRN_ROW_PARTS; p++) { \
                    const FirnFloats v = load_part(x + i, end - i, p, identity); \
                    a[1][p] = OF(a[1][p], v); \
                } \
            } \
            for (int p = 0; p < FIRN_ROW_PARTS; p++) { \
                const FirnFloats low = OF(a[0][p], a[1][p]), high = OF(a[2][p], a[3][p]); \
                const FirnFloats all = OF(low, high); \
                total[0][p] = OF(total[0][p], all); \
            } \
            depth = name##_carry(total, depth, ++blocks, FIRN_ROW_PARTS); \
        } \
        FirnFloats all[FIRN_ROW_PARTS]; \
        for (int p = 0; p < FIRN_ROW_PARTS; p++) all[p] = name##_top(total, depth, p); \
        return horizontal_##name(all); \
    } \
    FIRN_KERNEL void name##_rows(const float *restrict x, float *restrict y, size_t outer, \
                                 size_t reduced, size_t x_stride, size_t y_stride) { \
        for (size_t o = 0; o < outer; o++) \
            y[o * y_stride] = reduced == 0 ? (identity) : name##_row(x + o * x_stride, reduced); \
    } \
    FIRN_INLINE void name##_strip(const float *restrict x, float *restrict y, size_t reduced, \
                                  size_t x_stride, int vectors, size_t count) { \
        FirnFloats total[FIRN_LEVELS][FIRN_STRIP]; \
        for (int v = 0; v < vectors; v++) total[0][v] = splat(identity); \
        int depth = 1; \
        size_t blocks = 0; \
        for (size_t begin = 0; begin < reduced; begin += FIRN_BLOCK_STEPS) { \
            const size_t end = reduced - begin < FIRN_BLOCK_STEPS ? reduced : begin + FIRN_BLOCK_STEPS; \
            FirnFloats sum[FIRN_STRIP]; \
            for (int v = 0; v < vectors; v++) sum[v] = splat(identity); \
            for (size_t r = begin; r < end; r++) { \
                const float *row = x + r * x_stride; \
                for (int v = 0; v < vectors; v++) { \
                    const FirnFloats w = count != 0 ? load_partial(row, count, identity) \
                                                    : load(row + v * FIRN_LANES); \
                    sum[v] = OF(sum[v], w); \
                } \
            } \
            for (int v = 0; v < vectors; v++) total[0][v] = OF(total[0][v], sum[v]); \
            depth = name##_carry(total, depth, ++blocks, vectors); \
        } \
        for (int v = 0; v < vectors; v++) { \
            const FirnFloats all = name##_top(total, depth, v); \
            if (count != 0) store_partial(y, count, all); \
            else store(y + v * FIRN_LANES, all); \
        } \
    } \
    FIRN_KERNEL void name##_columns(const float *restrict x, float *restrict y, size_t reduced, \
                                    size_t inner, size_t x_stride) { \
        size_t i = 0; \
        for (; i + FIRN_STRIP * FIRN_LANES <= inner; i += FIRN_STRIP * FIRN_LANES) \
            name##_strip(reduced == 0 ? x : x + i, y + i, reduced, x_stride, FIRN_STRIP, 0); \
        for (; i + FIRN_LANES <= inner; i += FIRN_LANES) \
            name##_strip(reduced == 0 ? x : x + i, y + i, reduced, x_stride, 1, 0); \
        if (i < inner) \
            name##_strip(reduced == 0 ? x : x + i, y + i, reduced, x_stride, 1, inner - i); \
    }

FIRN_REDUCE_TABLE(FIRN_DECLARE_REDUCTION)

FIRN_KERNEL float squared_difference_sum(const float *a, const float *b, size_t n) {
    FirnFloats total[FIRN_LEVELS][FIRN_STRIP];
    for (int p = 0; p < FIRN_ROW_PARTS; p++) total[0][p] = splat(0.0f);
    int depth = 1;
    size_t blocks = 0;
    for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) {
        const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK;
        FirnFloats sum[4][FIRN_ROW_PARTS];
        for (int j = 0; j < 4; j++)
            for (int p = 0; p < FIRN_ROW_PARTS; p++) sum[j][p] = splat(0.0f);
        size_t i = begin;
        for (; i + 4 * FIRN_ROW_LANES <= end; i += 4 * FIRN_ROW_LANES) {
            for (int j = 0; j < 4; j++) {
                for (int p = 0; p < FIRN_ROW_PARTS; p++) {
                    const size_t at = i + (size_t)(j * FIRN_ROW_LANES + p * FIRN_LANES);
                    const FirnFloats d = load(a + at) - load(b + at);
                    sum[j][p] = madd(d, d, sum[j][p]);
                }
            }
        }
        for (; i < end; i += FIRN_ROW_LANES) {
            for (int p = 0; p < FIRN_ROW_PARTS; p++) {
                const FirnFloats d = load_part(a + i, end - i, p, 0.0f) - load_part(b + i, end - i, p, 0.0f);
                sum[0][p] = madd(d, d, sum[0][p]);
            }
        }
        for (int p = 0; p < FIRN_ROW_PARTS; p++) total[0][p] += (sum[0][p] + sum[1][p]) + (sum[2][p] + sum[3][p]);
        depth = sum_carry(total, depth, ++blocks, FIRN_ROW_PARTS);
    }
    FirnFloats all[FIRN_ROW_PARTS];
    for (int p = 0; p < FIRN_ROW_PARTS; p++) all[p] = sum_top(total, depth, p);
    return horizontal_sum(all);
}

/// Position of the first element equal to `best`, or of the first NaN if `best` is one.
FIRN_INLINE int32_t first_position(const float *x, size_t n, float best) {
    size_t i = 0;
    for (; i + FIRN_LANES <= n; i += FIRN_LANES) {
        const FirnFloats v = load(x + i);
        if (any(best == best ? v == best : v != v)) break;
    }
    for (; i < n; i++) {
        if (best == best ? x[i] == best : x[i] != x[i]) break;
    }
    return (int32_t)i;
}

FIRN_KERNEL void argmax_rows(int minimum, const float *restrict x, int32_t *restrict y, size_t outer, size_t reduced) {
    for (size_t o = 0; o < outer; o++) {
        const float *row = x + o * reduced;
        const float best = minimum ? min_row(row, reduced) : max_row(row, reduced);
        y[o] = first_position(row, reduced, best);
    }
}

FIRN_KERNEL void argmax_columns(int minimum, const float *restrict x, int32_t *restrict y, size_t reduced, size_t inner) {
    for (size_t i = 0; i < inner; i += FIRN_LANES) {
        const size_t count = inner - i;
        FirnFloats best = count < FIRN_LANES ? load_partial(x + i, count, 0.0f) : load(x + i);
        FirnInts position = 0;
        for (size_t r = 1; r < reduced; r++) {
            const float *row = x + r * inner + i;
            const FirnFloats v = count < FIRN_LANES ? load_partial(row, count, 0.0f) : load(row);
            const FirnInts better = (minimum ? v < best : v > best) | (v != v);
            const FirnInts wins = better & (best == best);
            best = wins ? v : best;
            position = wins ? (FirnInts)((int32_t)r) : position;
        }
        if (count < FIRN_LANES) {
            for (size_t lane = 0; lane < count; lane++) y[i + lane] = position[lane];
        } else {
            store_words((uint32_t *)(y + i), (FirnWords)position);
        }
    }
}
