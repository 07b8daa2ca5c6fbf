// Template: softmax and the losses built on it. Each row is shifted by its maximum.

/// Sum over the row of e^(x - shift); writes the terms to y unless it is null. y may be x.
FIRN_INLINE float exponentials(const float *x, float *y, size_t n, float shift) {
    FirnFloats total[FIRN_LEVELS][FIRN_STRIP];
    total[0][0] = splat(0.0f);
    int depth = 1;
    size_t blocks = 0;
    for (size_t begin = 0; begin < n; begin += FIRN_ROW_BLOCK) {
        const size_t end = n - begin < FIRN_ROW_BLOCK ? n : begin + FIRN_ROW_BLOCK;
        FirnFloats even = splat(0.0f), odd = splat(0.0f);
        size_t i = begin;
        for (; i + 2 * FIRN_LANES <= end; i += 2 * FIRN_LANES) {
            const FirnFloats e0 = exp_of(load(x + i) - shift), e1 = exp_of(load(x + i + FIRN_LANES) - shift);
            if (y != NULL) {
                store(y + i, e0);
                store(y + i + FIRN_LANES, e1);
            }
            even += e0;
            odd += e1;
        }
        for (; i + FIRN_LANES <= end; i += FIRN_LANES) {
            const FirnFloats e = exp_of(load(x + i) - shift);
            if (y != NULL) store(y + i, e);
            even += e;
        }
        if (i < end) {
            const FirnFloats e = exp_of(load_partial(x + i, end - i, -__builtin_inff()) - shift);
            if (y != NULL) store_partial(y + i, end - i, e);
            odd += e;
        }
        total[0][0] += even + odd;
        depth = sum_carry(total, depth, ++blocks, 1);
    }
    return horizontal_sum(sum_top(total, depth, 0));
}

FIRN_KERNEL void softmax(const float *x, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        const float sum = exponentials(x, y, columns, max_row(x, columns));
        size_t i = 0;
        for (; i + FIRN_LANES <= columns; i += FIRN_LANES) store(y + i, load(y + i) / sum);
        if (i < columns) store_partial(y + i, columns - i, load_partial(y + i, columns - i, 0.0f) / sum);
    }
}

FIRN_INLINE float log_scalar(float x) { return log_of(splat(x))[0]; }

FIRN_KERNEL void log_softmax(const float *x, float *y, size_t rows, size_t columns) {
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
        FirnFloats sum = splat(0.0f);
        size_t i = 0;
        for (; i + FIRN_LANES <= columns; i += FIRN_LANES)
            sum = madd(load(labels + i), log_sum - (load(logits + i) - shift), sum);
        if (i < columns) {
            // Lanes beyond the row have label 0 and a finite logarithm.
            const FirnFloats v = load_partial(logits + i, columns - i, shift);
            sum = madd(load_partial(labels + i, columns - i, 0.0f), log_sum - (v - shift), sum);
        }
        y[r] = horizontal_sum(sum);
    }
}
