// Template: reductions. The order of the operations depends on the reduced length only.

/// Elements that go into one set of accumulators, which is then added to the total: the rounding error
/// of a long sum grows with the number of blocks, not with the number of elements.
#define FIRN_ROW_BLOCK 4096
#define FIRN_COLUMN_BLOCK 64

/// Vectors of a column strip: enough to hide the latency of an addition.
#define FIRN_STRIP 8

// OF combines two values; `name##_strip` reduces `vectors` vectors side by side, the last of them to
// `count` lanes if `count` is not 0.
#define FIRN_DECLARE_REDUCTION(NAME, name, OF, identity) \
    FIRN_INLINE float name##_row(const float *x, size_t n) { \
        FirnFloats total = splat(identity); \
        for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) { \
            const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK; \
            FirnFloats a0 = splat(identity), a1 = a0, a2 = a0, a3 = a0; \
            size_t i = begin; \
            for (; i + 4 * FIRN_LANES <= end; i += 4 * FIRN_LANES) { \
                const FirnFloats v0 = load(x + i), v1 = load(x + i + FIRN_LANES); \
                const FirnFloats v2 = load(x + i + 2 * FIRN_LANES), v3 = load(x + i + 3 * FIRN_LANES); \
                a0 = OF(a0, v0); \
                a1 = OF(a1, v1); \
                a2 = OF(a2, v2); \
                a3 = OF(a3, v3); \
            } \
            for (; i + FIRN_LANES <= end; i += FIRN_LANES) { \
                const FirnFloats v = load(x + i); \
                a0 = OF(a0, v); \
            } \
            if (i < end) { \
                const FirnFloats v = load_partial(x + i, end - i, identity); \
                a1 = OF(a1, v); \
            } \
            a0 = OF(a0, a1); \
            a2 = OF(a2, a3); \
            a0 = OF(a0, a2); \
            total = OF(total, a0); \
        } \
        return horizontal_##name(total); \
    } \
    FIRN_KERNEL void name##_rows(const float *restrict x, float *restrict y, size_t outer, \
                                 size_t reduced, size_t x_stride, size_t y_stride) { \
        for (size_t o = 0; o < outer; o++) \
            y[o * y_stride] = reduced == 0 ? (identity) : name##_row(x + o * x_stride, reduced); \
    } \
    FIRN_INLINE void name##_strip(const float *restrict x, float *restrict y, size_t reduced, \
                                  size_t x_stride, int vectors, size_t count) { \
        FirnFloats total[FIRN_STRIP]; \
        for (int v = 0; v < vectors; v++) total[v] = splat(identity); \
        for (size_t begin = 0; begin < reduced; begin += FIRN_COLUMN_BLOCK) { \
            const size_t end = reduced - begin < FIRN_COLUMN_BLOCK ? reduced : begin + FIRN_COLUMN_BLOCK; \
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
            for (int v = 0; v < vectors; v++) total[v] = OF(total[v], sum[v]); \
        } \
        for (int v = 0; v < vectors; v++) { \
            if (count != 0) store_partial(y, count, total[v]); \
            else store(y + v * FIRN_LANES, total[v]); \
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
    FirnFloats total = splat(0.0f);
    for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) {
        const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK;
        FirnFloats sum[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        size_t i = begin;
        for (; i + 4 * FIRN_LANES <= end; i += 4 * FIRN_LANES) {
            for (int j = 0; j < 4; j++) {
                const FirnFloats d = load(a + i + j * FIRN_LANES) - load(b + i + j * FIRN_LANES);
                sum[j] = madd(d, d, sum[j]);
            }
        }
        for (; i < end; i += FIRN_LANES) {
            const size_t rest = end - i;
            const FirnFloats d = rest < FIRN_LANES
                ? load_partial(a + i, rest, 0.0f) - load_partial(b + i, rest, 0.0f)
                : load(a + i) - load(b + i);
            sum[0] = madd(d, d, sum[0]);
        }
        total += (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    return horizontal_sum(total);
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
