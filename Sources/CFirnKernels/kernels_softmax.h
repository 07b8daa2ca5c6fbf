// Template: softmax and the losses built on it. Each row is shifted by its maximum.

/// Sum over the row of e^(x - shift); writes the terms to y unless it is null. y may be x.
FIRN_INLINE float exponentials(const float *x, float *y, size_t n, float shift) {
    FirnFloats total[FIRN_LEVELS][FIRN_STRIP];
    for (int p = 0; p < FIRN_ROW_PARTS; p++) total[0][p] = splat(0.0f);
    int depth = 1;
    size_t blocks = 0;
    for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) {
        const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK;
        FirnFloats sum[2][FIRN_ROW_PARTS];
        for (int j = 0; j < 2; j++)
            for (int p = 0; p < FIRN_ROW_PARTS; p++) sum[j][p] = splat(0.0f);
        size_t i = begin;
        for (; i + 2 * FIRN_ROW_LANES <= end; i += 2 * FIRN_ROW_LANES) {
            for (int j = 0; j < 2; j++) {
                for (int p = 0; p < FIRN_ROW_PARTS; p++) {
                    const size_t at = i + (size_t)(j * FIRN_ROW_LANES + p * FIRN_LANES);
                    const FirnFloats e = exp_of(load(x + at) - shift);
                    if (y != NULL) store(y + at, e);
                    sum[j][p] += e;
                }
            }
        }
        // Whole steps that are left over go to the first sums, a partial one to the second.
        for (; i < end; i += FIRN_ROW_LANES) {
            const size_t count = smaller(end - i, FIRN_ROW_LANES);
            const int odd = count < FIRN_ROW_LANES;
            for (int p = 0; p * FIRN_LANES < (int)count; p++) {
                const FirnFloats e = exp_of(load_part(x + i, count, p, -__builtin_inff()) - shift);
                if (y != NULL) store_part(y + i, count, p, e);
                sum[odd][p] += e;
            }
        }
        for (int p = 0; p < FIRN_ROW_PARTS; p++) total[0][p] += sum[0][p] + sum[1][p];
        depth = sum_carry(total, depth, ++blocks, FIRN_ROW_PARTS);
    }
    FirnFloats all[FIRN_ROW_PARTS];
    for (int p = 0; p < FIRN_ROW_PARTS; p++) all[p] = sum_top(total, depth, p);
    return horizontal_sum(all);
}

/// Rows of at most so many elements are done several at once, a row in each lane: most of a vector would be empty.
#define FIRN_SHORT_COLUMNS FIRN_ROW_LANES
/// Rows that are done at once, and vectors that these are in.
#define FIRN_SHORT_ROWS 32
#define FIRN_SHORT_VECTORS (FIRN_SHORT_ROWS / FIRN_LANES)

/// Short rows side by side: element c of row r is lane r of column c.
typedef struct {
    FirnFloats at[FIRN_SHORT_COLUMNS][FIRN_SHORT_VECTORS];
} FirnShortRows;

/// Reads `rows` rows; the lanes of others are 0.
FIRN_INLINE void short_rows_load(FirnShortRows *t, const float *x, size_t rows, size_t columns) {
    float *to = (float *)t;
    if (rows < FIRN_SHORT_ROWS) {
        for (size_t c = 0; c < columns; c++)
            for (int v = 0; v < FIRN_SHORT_VECTORS; v++) t->at[c][v] = splat(0.0f);
    }
    for (size_t r = 0; r < rows; r++, x += columns)
        for (size_t c = 0; c < columns; c++) to[c * FIRN_SHORT_ROWS + r] = x[c];
}

FIRN_INLINE void short_rows_store(const FirnShortRows *t, float *y, size_t rows, size_t columns) {
    const float *from = (const float *)t;
    for (size_t r = 0; r < rows; r++, y += columns)
        for (size_t c = 0; c < columns; c++) y[c] = from[c * FIRN_SHORT_ROWS + r];
}

// Combines columns in the order in which `horizontal_##name` combines the lanes of a row.
#define FIRN_DECLARE_SHORT(name, OF) \
    FIRN_INLINE FirnFloats short_##name(const FirnShortRows *t, size_t columns, int v) { \
        FirnFloats part[FIRN_SHORT_COLUMNS]; \
        for (size_t c = 0; c < columns; c++) part[c] = t->at[c][v]; \
        for (size_t half = FIRN_SHORT_COLUMNS / 2; half > 0; half /= 2) { \
            for (size_t c = 0; c + half < columns; c++) part[c] = OF(part[c], part[c + half]); \
            columns = smaller(columns, half); \
        } \
        return part[0]; \
    }

FIRN_DECLARE_SHORT(sum, FIRN_SUM_OF)
FIRN_DECLARE_SHORT(max, FIRN_MAX_OF)

/// Shifts rows by the greatest of each, which goes to `shift`, their exponentials to `terms`, and the sums of these to `sum`.
FIRN_INLINE void short_exponentials(FirnShortRows *t, FirnShortRows *terms, size_t columns, FirnFloats *shift,
                                    FirnFloats *sum) {
    for (int v = 0; v < FIRN_SHORT_VECTORS; v++) {
        shift[v] = short_max(t, columns, v);
        for (size_t c = 0; c < columns; c++) {
            t->at[c][v] -= shift[v];
            terms->at[c][v] = exp_of(t->at[c][v]);
        }
        sum[v] = short_sum(terms, columns, v);
    }
}

FIRN_INLINE void short_softmax(int logarithm, const float *x, float *y, size_t rows, size_t columns) {
    for (size_t first = 0; first < rows; first += FIRN_SHORT_ROWS) {
        const size_t some = smaller(rows - first, FIRN_SHORT_ROWS);
        FirnShortRows t, terms;
        FirnFloats shift[FIRN_SHORT_VECTORS], sum[FIRN_SHORT_VECTORS];
        short_rows_load(&t, x + first * columns, some, columns);
        short_exponentials(&t, &terms, columns, shift, sum);
        for (int v = 0; v < FIRN_SHORT_VECTORS; v++) {
            const FirnFloats log_sum = logarithm ? log_of(sum[v]) : sum[v];
            for (size_t c = 0; c < columns; c++)
                t.at[c][v] = logarithm ? t.at[c][v] - log_sum : terms.at[c][v] / sum[v];
        }
        short_rows_store(&t, y + first * columns, some, columns);
    }
}

FIRN_INLINE void short_sparse_cross_entropy(const float *restrict logits, const int32_t *restrict labels,
                                            float *restrict y, size_t rows, size_t columns) {
    for (size_t first = 0; first < rows; first += FIRN_SHORT_ROWS) {
        const size_t some = smaller(rows - first, FIRN_SHORT_ROWS);
        FirnShortRows t, terms;
        FirnFloats shift[FIRN_SHORT_VECTORS], sum[FIRN_SHORT_VECTORS];
        short_rows_load(&t, logits + first * columns, some, columns);
        short_exponentials(&t, &terms, columns, shift, sum);
        for (int v = 0; v < FIRN_SHORT_VECTORS; v++) sum[v] = log_of(sum[v]);
        const float *shifted = (const float *)&t, *log_sum = (const float *)sum;
        for (size_t r = 0; r < some; r++)
            y[first + r] = log_sum[r] - shifted[(size_t)labels[first + r] * FIRN_SHORT_ROWS + r];
    }
}

FIRN_KERNEL void softmax(const float *x, float *y, size_t rows, size_t columns) {
    if (columns > 0 && columns <= FIRN_SHORT_COLUMNS) {
        short_softmax(0, x, y, rows, columns);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        const float sum = exponentials(x, y, columns, max_row(x, columns));
        size_t i = 0;
        for (; i + FIRN_LANES <= columns; i += FIRN_LANES) store(y + i, load(y + i) / sum);
        if (i < columns) store_partial(y + i, columns - i, load_partial(y + i, columns - i, 0.0f) / sum);
    }
}

FIRN_INLINE float log_scalar(float x) { return log_of(splat(x))[0]; }

FIRN_KERNEL void log_softmax(const float *x, float *y, size_t rows, size_t columns) {
    if (columns > 0 && columns <= FIRN_SHORT_COLUMNS) {
        short_softmax(1, x, y, rows, columns);
        return;
    }
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        const float shift = max_row(x, columns);
        const float log_sum = log_scalar(exponentials(x, NULL, columns, shift));
        size_t i = 0;
        for (; i + FIRN_LANES <= columns; i += FIRN_LANES) store(y + i, (load(x + i) - shift) - log_sum);
        if (i < columns) {
            const FirnFloats v = load_partial(x + i, columns - i, 0.0f);
            store_partial(y + i, columns - i, (v - shift) - log_sum);
        }
    }
}

FIRN_KERNEL void sparse_cross_entropy(const float *restrict logits, const int32_t *restrict labels,
                                      float *restrict y, size_t rows, size_t columns) {
    if (columns > 0 && columns <= FIRN_SHORT_COLUMNS) {
        short_sparse_cross_entropy(logits, labels, y, rows, columns);
        return;
    }
    for (size_t r = 0; r < rows; r++, logits += columns) {
        const float shift = max_row(logits, columns);
        const float log_sum = log_scalar(exponentials(logits, NULL, columns, shift));
        y[r] = log_sum - (logits[labels[r]] - shift);
    }
}

FIRN_KERNEL void cross_entropy(const float *logits, const float *labels,
                               float *restrict y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, logits += columns, labels += columns) {
        const float shift = max_row(logits, columns);
        const float log_sum = log_scalar(exponentials(logits, NULL, columns, shift));
        FirnFloats sum[FIRN_ROW_PARTS];
        for (int p = 0; p < FIRN_ROW_PARTS; p++) sum[p] = splat(0.0f);
        for (size_t i = 0; i < columns; i += FIRN_ROW_LANES) {
            for (int p = 0; p < FIRN_ROW_PARTS; p++) {
                // Lanes beyond the row have label 0 and a finite logarithm.
                const FirnFloats v = load_part(logits + i, columns - i, p, shift);
                sum[p] = madd(load_part(labels + i, columns - i, p, 0.0f), log_sum - (v - shift), sum[p]);
            }
        }
        y[r] = horizontal_sum(sum);
    }
}
