// Template: numbers held in 16 and 8 bits. They are made of f32 when a kernel is bound, and widened again where it is
// multiplied, to the same numbers on every instruction set.

typedef uint16_t FirnHalves __attribute__((ext_vector_type(FIRN_LANES)));
typedef int8_t FirnTinies __attribute__((ext_vector_type(FIRN_LANES)));
typedef FirnHalves FirnLooseHalves __attribute__((aligned(2), may_alias));
typedef FirnTinies FirnLooseTinies __attribute__((aligned(1), may_alias));

FIRN_INLINE uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

FIRN_INLINE float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// MARK: Rounding

/// To nearest even. A NaN keeps what fits of it and is quiet, so that one cut short is not an infinity.
FIRN_INLINE uint16_t bf16_of(float x) {
    const uint32_t u = bits_of(x);
    const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1)) >> 16;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16) | 0x40u : rounded);
}

/// To nearest even, below the least normal number too, whatever the thread does with those of f32.
FIRN_INLINE uint16_t f16_of(float x) {
    const uint32_t u = bits_of(x);
    const uint32_t sign = (u >> 16) & 0x8000u;
    const uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | ((a >> 13) & 0x3ffu));
    // From halfway between the greatest number and the next one would be.
    if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
    if (a >= 0x38800000u) return (uint16_t)(sign | ((a + 0xfffu + ((a >> 13) & 1) - 0x38000000u) >> 13));
    if (a < 0x33000000u) return (uint16_t)sign;
    const uint32_t shift = 126 - (a >> 23);
    const uint32_t fraction = (a & 0x7fffffu) | 0x800000u;
    const uint32_t whole = fraction >> shift;
    const uint32_t rest = fraction & ((1u << shift) - 1);
    const uint32_t half = 1u << (shift - 1);
    return (uint16_t)(sign | (whole + (rest > half || (rest == half && (whole & 1)))));
}

/// To nearest even of x / scale; 0 where that is no number.
FIRN_INLINE int8_t i8_of(float x, float scale) {
    if (scale == 0.0f) return 0;
    const float quotient = x / scale;
    if (quotient != quotient) return 0;
    const float bounded = quotient > 127.0f ? 127.0f : quotient < -127.0f ? -127.0f : quotient;
    return (int8_t)__builtin_rintf(bounded);
}

FIRN_KERNEL void stored_scales(const float *restrict x, size_t outer, size_t channels, size_t inner, size_t first,
                               size_t count, float *restrict scales) {
    for (size_t c = first; c < first + count; c++) scales[c] = 0.0f;
    for (size_t o = 0; o < outer; o++) {
        for (size_t c = first; c < first + count; c++) {
            const float *from = x + (o * channels + c) * inner;
            // Magnitudes are in the order of their bits, NaN above all.
            uint32_t largest = bits_of(scales[c]);
            for (size_t i = 0; i < inner; i++) {
                const uint32_t u = bits_of(from[i]) & 0x7fffffffu;
                largest = u > largest ? u : largest;
            }
            scales[c] = float_of(largest);
        }
    }
    for (size_t c = first; c < first + count; c++) {
        const float scale = scales[c] / 127.0f;
        scales[c] = scale < 0x1p-126f ? 0.0f : scale;
    }
}

FIRN_KERNEL void narrow(FirnStored type, const FirnRuns *runs, const float *restrict x, const float *restrict scales,
                        void *restrict y) {
    for (size_t o = 0; o < runs->outer; o++) {
        for (size_t m = 0; m < runs->middle; m++) {
            const size_t at = (o * runs->middle + m) * runs->length;
            const float *from = x + at;
            const float *scale = scales + o * runs->scale_outer + m * runs->scale_middle;
            uint16_t *halves = (uint16_t *)y + at;
            int8_t *tinies = (int8_t *)y + at;
            switch (type) {
            case FIRN_BF16:
                for (size_t i = 0; i < runs->length; i++) halves[i] = bf16_of(from[i]);
                break;
            case FIRN_F16:
                for (size_t i = 0; i < runs->length; i++) halves[i] = f16_of(from[i]);
                break;
            case FIRN_I8:
                for (size_t i = 0; i < runs->length; i++) tinies[i] = i8_of(from[i], scale[i * runs->scale_element]);
                break;
            }
        }
    }
}

// MARK: Widening

FIRN_INLINE FirnFloats widened_bf16(FirnHalves halves) {
    return (FirnFloats)(__builtin_convertvector(halves, FirnWords) << 16);
}

FIRN_INLINE FirnFloats widened_f16(FirnHalves halves) {
#if FIRN_HAS_AVX512
    return (FirnFloats)_mm512_cvtph_ps((__m256i)halves);
#elif FIRN_LANES == 8 && defined(__x86_64__)
    return (FirnFloats)_mm256_cvtph_ps((__m128i)halves);
#else
    const FirnWords words = __builtin_convertvector(halves, FirnWords);
    const FirnWords sign = (words & 0x8000u) << 16;
    const FirnWords a = words & 0x7fffu;
    const FirnWords normal = (a << 13) + 0x38000000u;
    const FirnWords special = (a << 13) | 0x7f800000u;
    // Of those below the least normal number the fraction is a whole number of 2⁻²⁴: never a small f32 on the way.
    const FirnWords small = (FirnWords)(__builtin_convertvector((FirnInts)a, FirnFloats) * 0x1p-24f);
    const FirnWords is_small = (FirnWords)(a < 0x400u);
    const FirnWords is_special = (FirnWords)(a >= 0x7c00u);
    return (FirnFloats)(sign | (is_small & small) | (is_special & special) | (~(is_small | is_special) & normal));
#endif
}

/// A whole vector of numbers; of 8 bits each times `scale`.
FIRN_INLINE FirnFloats widened(FirnStored type, const void *from, size_t at, FirnFloats scale) {
    if (type == FIRN_I8) {
        const FirnTinies tinies = *(const FirnLooseTinies *)((const int8_t *)from + at);
        return __builtin_convertvector(tinies, FirnFloats) * scale;
    }
    const FirnHalves halves = *(const FirnLooseHalves *)((const uint16_t *)from + at);
    return type == FIRN_BF16 ? widened_bf16(halves) : widened_f16(halves);
}

FIRN_INLINE void widen_runs(FirnStored type, const FirnRuns *runs, const void *restrict x,
                            const float *restrict scales, float *restrict y) {
    const size_t whole = runs->length / FIRN_LANES * FIRN_LANES;
    const size_t rest = runs->length - whole;
    const int varies = runs->scale_element != 0;
    for (size_t o = 0; o < runs->outer; o++) {
        for (size_t m = 0; m < runs->middle; m++) {
            const size_t at = (o * runs->middle + m) * runs->length;
            const float *scale = scales + o * runs->scale_outer + m * runs->scale_middle;
            const FirnFloats all = splat(type == FIRN_I8 && !varies ? scale[0] : 0.0f);
            for (size_t i = 0; i < whole; i += FIRN_LANES) {
                store(y + at + i, widened(type, x, at + i, type == FIRN_I8 && varies ? load(scale + i) : all));
            }
            if (rest == 0) continue;
            // What is beyond the end may not be read.
            uint16_t halves[FIRN_LANES] = {0};
            const size_t size = type == FIRN_I8 ? 1 : 2;
            memcpy(halves, (const char *)x + (at + whole) * size, rest * size);
            const FirnFloats some = type == FIRN_I8 && varies ? load_partial(scale + whole, rest, 0.0f) : all;
            store_partial(y + at + whole, rest, widened(type, halves, 0, some));
        }
    }
}

FIRN_KERNEL void widen(FirnStored type, const FirnRuns *runs, const void *restrict x, const float *restrict scales,
                       float *restrict y) {
    switch (type) {
    case FIRN_BF16: widen_runs(FIRN_BF16, runs, x, scales, y); break;
    case FIRN_F16: widen_runs(FIRN_F16, runs, x, scales, y); break;
    case FIRN_I8: widen_runs(FIRN_I8, runs, x, scales, y); break;
    }
}

// MARK: Products of few rows

/// Rows of a tile, which share what is widened. Up to two take a stretch of a panel that is twice as wide.
#define FIRN_STORED_ROWS 6

/// Vectors of a tile of up to two rows, and of one of more.
#define FIRN_STORED_WIDE (FIRN_PANEL_COLUMNS / FIRN_LANES < 4 ? FIRN_PANEL_COLUMNS / FIRN_LANES : 4)
#define FIRN_STORED_NARROW 2

_Static_assert(FIRN_PANEL_COLUMNS % (FIRN_STORED_WIDE * FIRN_LANES) == 0, "whole tiles of a panel");
_Static_assert(FIRN_PANEL_COLUMNS % (FIRN_STORED_NARROW * FIRN_LANES) == 0, "whole tiles of a panel");

/// `tall` rows of A times rows of a stretch of a panel, of k from `first`: each element one chain from 0, which C holds
/// then, or which is added to it.
FIRN_INLINE void stored_tile(FirnStored type, size_t tall, size_t vectors, size_t first, size_t depth,
                             const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, const void *restrict panel,
                             size_t begin, const FirnPanelScales *scales, float *restrict c, ptrdiff_t c_row,
                             size_t columns) {
    FirnFloats sum[FIRN_STORED_ROWS * 4];
    FirnFloats scale[4];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < tall * vectors; v++) sum[v] = splat(0.0f);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        scale[v] = type == FIRN_I8 && scales->of_columns ? load(scales->base + begin + v * FIRN_LANES) : splat(0.0f);
    }
    for (size_t p = first; p < first + depth; p++) {
        const FirnFloats of_row = splat(type == FIRN_I8 && !scales->of_columns ? scales->base[p] : 0.0f);
        FirnFloats right[4];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            right[v] = widened(type, panel, p * FIRN_PANEL_COLUMNS + begin + v * FIRN_LANES,
                               scales->of_columns ? scale[v] : of_row);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tall; i++) {
            const FirnFloats one = splat(a[(ptrdiff_t)i * a_row + (ptrdiff_t)p * a_col]);
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) sum[i * vectors + v] = madd(one, right[v], sum[i * vectors + v]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < tall; i++) {
        float *to = c + (ptrdiff_t)i * c_row + begin;
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) {
            const size_t at = v * FIRN_LANES;
            const FirnFloats made = sum[i * vectors + v];
            if (begin + at + FIRN_LANES <= columns) {
                store(to + at, first > 0 ? load(to + at) + made : made);
            } else if (begin + at < columns) {
                const size_t rest = columns - begin - at;
                store_partial(to + at, rest, first > 0 ? load_partial(to + at, rest, 0.0f) + made : made);
            }
        }
    }
}

/// The tiles of some rows and of so many rows of a panel.
FIRN_INLINE void stored_tiles(FirnStored type, size_t tall, size_t vectors, size_t first, size_t depth,
                              const float *restrict a, ptrdiff_t a_row, ptrdiff_t a_col, const void *restrict panel,
                              const FirnPanelScales *scales, float *restrict c, ptrdiff_t c_row, size_t columns) {
    for (size_t begin = 0; begin < columns; begin += vectors * FIRN_LANES) {
        stored_tile(type, tall, vectors, first, depth, a, a_row, a_col, panel, begin, scales, c, c_row, columns);
    }
}

FIRN_INLINE void stored_product(FirnStored type, size_t m, size_t n, size_t k, const float *restrict a,
                                ptrdiff_t a_row, ptrdiff_t a_col, const void *restrict panels,
                                const FirnPanelScales *scales, float *restrict c, ptrdiff_t c_row) {
    // The blocks of the product of f32: their sums are added up one after the other.
    const size_t block = block_depth_of(k);
    const size_t size = type == FIRN_I8 ? 1 : 2;
    for (size_t j = 0; j < n; j += FIRN_PANEL_COLUMNS) {
        const void *panel = (const char *)panels + j * k * size;
        const FirnPanelScales own = {scales->base + (scales->of_columns ? j : 0), scales->of_columns};
        const size_t columns = smaller(n - j, FIRN_PANEL_COLUMNS);
        // What a block reads of a panel stays in the first-level cache for all rows.
        for (size_t p = 0; p < k; p += block) {
            const size_t depth = smaller(k - p, block);
            size_t tall;
            for (size_t i = 0; i < m; i += tall) {
                const float *left = a + (ptrdiff_t)i * a_row;
                float *to = c + (ptrdiff_t)i * c_row + (ptrdiff_t)j;
                tall = smaller(m - i, FIRN_STORED_ROWS);
#define FIRN_STORED_CASE(rows, vectors) \
    case rows: \
        stored_tiles(type, rows, vectors, p, depth, left, a_row, a_col, panel, &own, to, c_row, columns); \
        break;
                switch (tall) {
                    FIRN_STORED_CASE(1, FIRN_STORED_WIDE)
                    FIRN_STORED_CASE(2, FIRN_STORED_WIDE)
                    FIRN_STORED_CASE(3, FIRN_STORED_NARROW)
                    FIRN_STORED_CASE(4, FIRN_STORED_NARROW)
                    FIRN_STORED_CASE(5, FIRN_STORED_NARROW)
                    FIRN_STORED_CASE(6, FIRN_STORED_NARROW)
                }
            }
        }
    }
}

FIRN_KERNEL void stored_rows(FirnStored type, size_t m, size_t n, size_t k, const float *restrict a,
                             ptrdiff_t a_row, ptrdiff_t a_col, const void *restrict panels,
                             const FirnPanelScales *scales, float *restrict c, ptrdiff_t c_row) {
    if (k == 0) {
        for (size_t i = 0; i < m; i++) memset(c + (ptrdiff_t)i * c_row, 0, n * sizeof(float));
        return;
    }
    switch (type) {
    case FIRN_BF16: stored_product(FIRN_BF16, m, n, k, a, a_row, a_col, panels, scales, c, c_row); break;
    case FIRN_F16: stored_product(FIRN_F16, m, n, k, a, a_row, a_col, panels, scales, c, c_row); break;
    case FIRN_I8:
        // One loop for scales that stay, one for those that change from row to row.
        if (scales->of_columns) {
            stored_product(FIRN_I8, m, n, k, a, a_row, a_col, panels, &(FirnPanelScales){scales->base, 1}, c, c_row);
        } else {
            stored_product(FIRN_I8, m, n, k, a, a_row, a_col, panels, &(FirnPanelScales){scales->base, 0}, c, c_row);
        }
        break;
    }
}
