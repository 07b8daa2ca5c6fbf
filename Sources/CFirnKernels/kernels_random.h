// Template: Philox 4x32-10 and what is drawn from it.
//
// One step makes FIRN_LANES blocks side by side: plane j holds lane j of each.

enum { FIRN_DRAWS = 4 * FIRN_LANES };

/// A vector of words as pairs.
typedef uint64_t FirnPairs __attribute__((ext_vector_type(FIRN_LANES / 2)));

/// The high and low words of a product with a constant; the high one for each half of a pair in turn,
/// as the instructions for 32 x 32 = 64 bits do it.
FIRN_INLINE FirnWords multiply(FirnWords x, uint32_t by, FirnWords *high) {
    const FirnPairs pairs = (FirnPairs)x;
    const FirnPairs lower = (pairs & 0xffffffffu) * (uint64_t)by, upper = (pairs >> 32) * (uint64_t)by;
    *high = (FirnWords)((lower >> 32) | (upper & 0xffffffff00000000u));
    return x * by;
}

/// The blocks from `block` on. Constants and rounds: Salmon et al. 2011, section 3.3.
FIRN_INLINE void philox_planes(FirnStream stream, uint32_t block, FirnWords planes[4]) {
    FirnWords x0, x1 = stream.c1, x2 = stream.c2, x3 = stream.c3;
    for (int i = 0; i < FIRN_LANES; i++) x0[i] = block + (uint32_t)i;
    uint32_t k0 = stream.k0, k1 = stream.k1;
#pragma clang loop unroll_count(10)
    for (int round = 0; round < 10; round++) {
        FirnWords high0, high1;
        const FirnWords low0 = multiply(x0, 0xD2511F53u, &high0);
        const FirnWords low1 = multiply(x2, 0xCD9E8D57u, &high1);
        x0 = high1 ^ x1 ^ k0;
        x2 = high0 ^ x3 ^ k1;
        x1 = low1;
        x3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    planes[0] = x0;
    planes[1] = x1;
    planes[2] = x2;
    planes[3] = x3;
}

/// draw >> 8 as a float: an integer below 2^24, exact.
FIRN_INLINE FirnFloats top_bits(FirnWords draw) { return __builtin_convertvector((FirnInts)(draw >> 8), FirnFloats); }

/// Two normals of two draws.
FIRN_INLINE void box_muller(FirnWords draw1, FirnWords draw2, FirnFloats *cosine, FirnFloats *sine) {
    const FirnFloats radius = __builtin_elementwise_sqrt(-2.0f * log_positive((top_bits(draw1) + 1.0f) * 0x1p-24f));
    // A quarter turn is taken off exactly before the irrational factor comes in.
    const FirnFloats turn = top_bits(draw2) * 0x1p-22f;
    const FirnFloats shifted = turn + FIRN_ROUNDER;
    const FirnInts quadrant = (FirnInts)shifted - (FirnInts)splat(FIRN_ROUNDER);
    const FirnFloats r = (turn - (shifted - FIRN_ROUNDER)) * 1.57079632679489662f;
    *cosine = radius * sin_quadrant(r, quadrant + 1);
    *sine = radius * sin_quadrant(r, quadrant);
}

#if FIRN_LANES == 16
#define FIRN_ZIP_LOW(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define FIRN_ZIP_HIGH(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif FIRN_LANES == 8
#define FIRN_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define FIRN_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define FIRN_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define FIRN_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/// The words of the planes in stream order.
FIRN_INLINE void interleave(const FirnWords planes[4], uint32_t *draws) {
    const FirnWords even_low = FIRN_ZIP_LOW(planes[0], planes[2]), odd_low = FIRN_ZIP_LOW(planes[1], planes[3]);
    const FirnWords even_high = FIRN_ZIP_HIGH(planes[0], planes[2]), odd_high = FIRN_ZIP_HIGH(planes[1], planes[3]);
    store_words(draws, FIRN_ZIP_LOW(even_low, odd_low));
    store_words(draws + FIRN_LANES, FIRN_ZIP_HIGH(even_low, odd_low));
    store_words(draws + 2 * FIRN_LANES, FIRN_ZIP_LOW(even_high, odd_high));
    store_words(draws + 3 * FIRN_LANES, FIRN_ZIP_HIGH(even_high, odd_high));
}

typedef enum { FIRN_DRAW_BITS, FIRN_DRAW_UNIFORM, FIRN_DRAW_NORMAL, FIRN_DRAW_DROPOUT } FirnDraw;

/// Fills y with draws of one kind; `kind` is a constant. p and q are low and high, or mean and
/// deviation, or the rate and the scale; x is read by dropout only and may be y.
FIRN_INLINE void draw(FirnDraw kind, FirnStream stream, size_t first, float p, float q,
                      const uint32_t *x, uint32_t *y, size_t n) {
    size_t skip = first % 4;
    uint32_t block = (uint32_t)(first / 4);
    for (size_t done = 0; done < n; block += FIRN_LANES) {
        FirnWords planes[4];
        philox_planes(stream, block, planes);
        if (kind == FIRN_DRAW_UNIFORM || kind == FIRN_DRAW_DROPOUT) {
            for (int j = 0; j < 4; j++) {
                FirnFloats u = top_bits(planes[j]) * 0x1p-24f;
                if (kind == FIRN_DRAW_UNIFORM) u = madd(splat(q - p), u, splat(p));
                planes[j] = (FirnWords)u;
            }
        } else if (kind == FIRN_DRAW_NORMAL) {
            for (int j = 0; j < 4; j += 2) {
                FirnFloats cosine, sine;
                box_muller(planes[j], planes[j + 1], &cosine, &sine);
                planes[j] = (FirnWords)madd(splat(q), cosine, splat(p));
                planes[j + 1] = (FirnWords)madd(splat(q), sine, splat(p));
            }
        }
        if (kind != FIRN_DRAW_DROPOUT && skip == 0 && n - done >= FIRN_DRAWS) {
            interleave(planes, y + done);
            done += FIRN_DRAWS;
            continue;
        }
        union {
            uint32_t words[FIRN_DRAWS];
            float floats[FIRN_DRAWS];
        } draws;
        interleave(planes, draws.words);
        const size_t count = n - done < FIRN_DRAWS - skip ? n - done : FIRN_DRAWS - skip;
        if (kind == FIRN_DRAW_DROPOUT) {
            const float *u = draws.floats + skip;
            const float *from = (const float *)x + done;
            float *to = (float *)y + done;
            size_t i = 0;
            for (; i + FIRN_LANES <= count; i += FIRN_LANES)
                store(to + i, load(u + i) >= p ? load(from + i) * q : splat(0.0f));
            if (i < count) {
                const FirnFloats kept = load_partial(from + i, count - i, 0.0f) * q;
                store_partial(to + i, count - i, load_partial(u + i, count - i, 0.0f) >= p ? kept : splat(0.0f));
            }
        } else {
            memcpy(y + done, draws.words + skip, count * sizeof(uint32_t));
        }
        done += count;
        skip = 0;
    }
}

FIRN_KERNEL void philox(FirnStream stream, size_t first, uint32_t *y, size_t n) {
    draw(FIRN_DRAW_BITS, stream, first, 0.0f, 0.0f, NULL, y, n);
}

FIRN_KERNEL void uniform(FirnStream stream, size_t first, float low, float high, float *y, size_t n) {
    draw(FIRN_DRAW_UNIFORM, stream, first, low, high, NULL, (uint32_t *)y, n);
}

FIRN_KERNEL void normal(FirnStream stream, size_t first, float mean, float deviation, float *y, size_t n) {
    draw(FIRN_DRAW_NORMAL, stream, first, mean, deviation, NULL, (uint32_t *)y, n);
}

FIRN_KERNEL void dropout(FirnStream stream, size_t first, float rate, const float *x, float *y, size_t n) {
    draw(FIRN_DRAW_DROPOUT, stream, first, rate, 1.0f / (1.0f - rate), (const uint32_t *)x, (uint32_t *)y, n);
}
